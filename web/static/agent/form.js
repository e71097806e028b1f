// Script and result of one call. What is filled in is kept in the browser until it has arrived.

import { byId, make, say, show } from "./parts.js";
import { field, isMissing, shown } from "./script.js";

const KEPT_FOR_MS = 2 * 86400 * 1000;

export class Form {
  #sheet = null;
  #fields = [];
  #checkedFor = "";
  #callback = null;
  #timer = null;
  #touched = false;

  constructor({ name, link, onFinish }) {
    this.prefix = `callcamp:result:${name}:`;
    this.link = link;
    const form = byId("a-form");
    form.addEventListener("submit", (event) => { event.preventDefault(); onFinish(); });
    form.addEventListener("input", () => this.#changed());
    form.addEventListener("change", () => this.#changed());
    this.#forgetOld();
  }

  get attemptId() { return this.#sheet?.attempt_id ?? null; }

  // Shows the form of a call, with what was filled in before.
  open(sheet) {
    if (this.attemptId === sheet.attempt_id) return;
    this.#sheet = sheet;
    this.#touched = false;
    this.#callback = null;
    this.#checkedFor = "";
    this.#fields = sheet.script.map((element, index) => ({ element, ...field(element, index) }));
    byId("a-script").replaceChildren(...this.#fields.map((one) => one.node));
    show("a-script", this.#fields.length > 0);
    byId("a-outcome-list").replaceChildren(...sheet.outcomes.map(([name, label], n) => {
      const input = make("input", { type: "radio", name: "outcome", value: name, id: `o-${n}` });
      return make("label", { className: "a-option", htmlFor: input.id }, input, label);
    }));
    show("a-outcomes", sheet.outcomes.length > 0);
    byId("a-outcomes").querySelector("legend").textContent = sheet.outcome_required ? "Result *" : "Result";
    show("a-callback", sheet.callbacks);
    byId("a-callback-on").checked = false;
    byId("a-callback-date").value = "";
    byId("a-callback-time").value = "";
    byId("a-callback-who").value = "anyone";
    this.problem("");
    say("a-noted", "");
    this.#restore();
    this.#draw();
  }

  close() {
    this.#sheet = null;
    this.#fields = [];
    clearTimeout(this.#timer);
    byId("a-script").replaceChildren();
  }

  problem(text) {
    say("a-form-problem", text);
    show("a-form-problem", Boolean(text));
  }

  get #answers() {
    return Object.fromEntries(this.#fields.filter((one) => one.element.name).map((one) => [one.element.name, one.read()]));
  }

  #visible() { return shown(this.#fields.map((one) => one.element), this.#answers); }

  get outcome() {
    return document.querySelector('input[name="outcome"]:checked')?.value ?? null;
  }

  get #callbackOn() { return this.#sheet.callbacks && byId("a-callback-on").checked; }

  get #local() {
    const [date, time] = [byId("a-callback-date").value, byId("a-callback-time").value];
    return date && time ? `${date}T${time}` : "";
  }

  #changed() {
    if (!this.#sheet) return;
    this.#touched = true;
    this.problem("");
    say("a-noted", "");
    this.#draw();
    this.#keep();
  }

  #draw() {
    const visible = this.#visible();
    this.#fields.forEach((one, index) => { one.node.hidden = !visible.has(index); });
    show("a-callback-fields", this.#callbackOn);
    this.#lookAtTime();
  }

  // The engine says whether the contact may be called then.
  #lookAtTime() {
    const local = this.#callbackOn ? this.#local : "";
    if (local === this.#checkedFor) return;
    this.#checkedFor = local;
    this.#callback = null;
    say("a-callback-said", local ? "…" : "");
    clearTimeout(this.#timer);
    if (local) this.#timer = setTimeout(() => this.#askAboutTime(local).catch((error) => say("a-callback-said", error.message)), 250);
  }

  async #askAboutTime(local) {
    const attempt = this.attemptId;
    const said = await this.link.read(`/calls/${attempt}/callback?${new URLSearchParams({ local })}`);
    if (attempt !== this.attemptId || local !== this.#checkedFor) return;
    this.#callback = said;
    const here = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(said.at));
    if (said.problem) {
      const box = byId("a-callback-said");
      box.replaceChildren(make("span", { className: "a-bad" }, said.problem));
      if (said.next_at) {
        const take = make("button", { type: "button" }, `Take ${said.next_shown}`);
        take.addEventListener("click", () => this.#take(said));
        box.append(" ", take);
      }
    } else say("a-callback-said", `${said.shown} there (${said.zone}); ${here} here.`);
  }

  #take(said) {
    // The zone's own clock, as a date and a time that the fields understand.
    const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: said.zone, dateStyle: "short", timeStyle: "short" }).format(new Date(said.next_at));
    const [date, time] = parts.split(" ");
    byId("a-callback-date").value = date;
    byId("a-callback-time").value = time;
    this.#changed();
  }

  // --- Kept in the browser ----------------------------------------------------------------
  #keep(more = {}) {
    const kept = {
      at: Date.now(),
      answers: this.#answers,
      outcome: this.outcome,
      callback: this.#callbackOn,
      date: byId("a-callback-date").value,
      time: byId("a-callback-time").value,
      who: byId("a-callback-who").value,
      ...more,
    };
    try {
      localStorage.setItem(this.prefix + this.attemptId, JSON.stringify(kept));
    } catch { /* a browser that keeps nothing still has the page itself */ }
  }

  kept(attempt = this.attemptId) {
    try {
      return JSON.parse(localStorage.getItem(this.prefix + attempt) ?? "null");
    } catch {
      return null;
    }
  }

  forget(attempt = this.attemptId) {
    try { localStorage.removeItem(this.prefix + attempt); } catch { /* nothing was kept */ }
  }

  #restore() {
    const kept = this.kept();
    if (!kept) return;
    for (const one of this.#fields) if (one.element.name) one.write(kept.answers?.[one.element.name] ?? "");
    for (const input of document.querySelectorAll('input[name="outcome"]')) input.checked = input.value === kept.outcome;
    byId("a-callback-on").checked = Boolean(kept.callback);
    byId("a-callback-date").value = kept.date ?? "";
    byId("a-callback-time").value = kept.time ?? "";
    byId("a-callback-who").value = kept.who ?? "anyone";
  }

  #forgetOld() {
    try {
      for (const key of Object.keys(localStorage)) {
        if (!key.startsWith(this.prefix)) continue;
        if (!(JSON.parse(localStorage.getItem(key))?.at > Date.now() - KEPT_FOR_MS)) localStorage.removeItem(key);
      }
    } catch { /* nothing is kept */ }
  }

  get touched() { return this.#touched || Boolean(this.kept()); }

  // --- What is sent -----------------------------------------------------------------------
  // Returns the note, or null and says what is missing.
  // As it is: when the time is over, what is missing is left out.
  async note(asItIs = false) {
    const visible = this.#visible();
    const answers = {};
    let unfinished = false;
    for (const [index, one] of this.#fields.entries()) {
      if (!visible.has(index) || !one.element.name) continue;
      const answer = one.read();
      const missing = isMissing(one.element, answer);
      one.node.classList.toggle("a-missing", missing);
      if (missing) unfinished = true;
      if (missing && !asItIs) {
        this.problem(one.element.kind === "checkbox" ? `Tick “${one.element.text}” first.` : `“${one.element.text}” needs an answer.`);
        one.input?.focus();
        return null;
      }
      if (answer) answers[one.element.name] = answer;
    }
    if (this.#sheet.outcome_required && !this.outcome) {
      this.problem("Choose the result of the call.");
      document.querySelector('input[name="outcome"]')?.focus();
      return null;
    }
    const note = { attempt_id: this.attemptId, outcome: this.outcome, answers, unfinished };
    if (!this.#callbackOn) return note;
    if (asItIs && (!this.#callback || this.#callback.problem)) return { ...note, unfinished: true };
    if (!this.#local) {
      this.problem("Give day and time of the callback.");
      byId(byId("a-callback-date").value ? "a-callback-time" : "a-callback-date").focus();
      return null;
    }
    clearTimeout(this.#timer);
    if (!this.#callback) await this.#askAboutTime(this.#local);
    if (!this.#callback || this.#callback.problem) {
      this.problem(this.#callback?.problem ?? "The time of the callback could not be looked at.");
      return null;
    }
    return { ...note, callback_at: this.#callback.at, callback_mine: byId("a-callback-who").value === "mine" };
  }
}
