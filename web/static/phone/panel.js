// What the phone shows of itself in <div id="phone">.
//
// With data-controls="call" it has buttons for the call as well.

const WORDS = {
  off: "The phone is off.",
  asking: "Allow the microphone: the browser asks for it now.",
  connecting: "Connecting to the telephone system…",
  ready: "The phone is ready.",
  ringing: "A call comes in…",
  in_call: "In a call.",
  lost: "The telephone system cannot be reached. The phone tries again by itself.",
  refused: "The telephone system refuses this phone's password. Reload this page; if that does not help, an administrator has to write the phones into Asterisk again.",
  denied: "",
  elsewhere: "The phone is open in another tab or window of this browser.",
  insecure: "Browsers give the microphone only to pages that come over https. Open callcamp under its https address.",
  failed: "",
};
const GOOD = new Set(["ready", "ringing", "in_call"]);
const TROUBLE = new Set(["lost", "refused", "denied", "elsewhere", "insecure", "failed"]);
const KEYS = [..."123456789*0#"];
const LEVEL_PAUSE_MS = 100;

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

export class Panel {
  constructor(root, phone) {
    this.root = root;
    this.phone = phone;
    this.status = make("p", { className: "phone-status" });
    this.status.setAttribute("role", "status");
    this.take = this.#button("Use the phone here", () => phone.takeOver());
    this.wake = this.#button("Click to hear the call", () => phone.wake());
    this.again = this.#button("Try again", () => phone.restart());
    this.note = make("p", { className: "sub", hidden: true });
    this.note.setAttribute("role", "status");
    this.meters = {
      microphone: make("meter", { min: 0, max: 1, high: 0.92 }),
      speaker: make("meter", { min: 0, max: 1, high: 0.92 }),
    };
    this.selects = { audioinput: make("select"), audiooutput: make("select") };
    for (const [kind, select] of Object.entries(this.selects)) {
      select.addEventListener("change", () => phone.useDevice(kind, select.value));
    }
    this.echo = this.#button("Echo test", () => phone.echoTest());
    this.settings = make("div", { className: "phone-sound", hidden: true },
      make("label", {}, "Microphone ", this.selects.audioinput, this.meters.microphone),
      make("label", {}, "Speaker ", this.selects.audiooutput, this.meters.speaker),
      this.echo);
    root.classList.add("phone");
    root.replaceChildren(this.status, this.take, this.wake, this.again, this.note, this.settings);
    this.wake.hidden = true;
    this.controls = root.dataset.controls === "call" ? this.#controls() : null;
    phone.on("state", () => this.draw());
    phone.on("device", () => this.drawDevices());
    phone.on("silenced", ({ on }) => { this.wake.hidden = !on; });
    phone.on("note", ({ text }) => this.say(text));
    setInterval(() => this.#levels(), LEVEL_PAUSE_MS);
    this.draw();
  }

  #button(text, act) {
    const button = make("button", { type: "button", textContent: text });
    button.addEventListener("click", act);
    return button;
  }

  #toggle(text, act) {
    const button = this.#button(text, () => act(button.getAttribute("aria-pressed") !== "true"));
    button.setAttribute("aria-pressed", "false");
    return button;
  }

  #controls() {
    const { phone } = this;
    this.hold = this.#toggle("Hold", (on) => phone.hold(on));
    this.mute = this.#toggle("Mute", (on) => phone.mute(on));
    const pad = make("div", { className: "phone-keys" },
      ...KEYS.map((key) => this.#button(key, () => phone.dtmf(key))));
    pad.setAttribute("role", "group");
    pad.setAttribute("aria-label", "Keypad");
    const row = make("div", { className: "row" },
      this.#button("Hang up", () => phone.hangup()), this.hold, this.mute);
    const box = make("div", { className: "phone-call", hidden: true }, row, pad);
    this.root.append(box);
    return box;
  }

  draw() {
    const { phone } = this;
    this.root.dataset.state = phone.state;
    const caller = phone.state === "in_call" && phone.caller ? ` With ${phone.caller}.` : "";
    const also = phone.state === "in_call" && !phone.registered
      ? " The telephone system cannot be reached; the call goes on." : "";
    const text = (phone.problem || WORDS[phone.state]) + caller + also;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.status.classList.toggle("good", GOOD.has(phone.state) && !also);
    this.status.classList.toggle("bad", TROUBLE.has(phone.state) || Boolean(also));
    this.take.hidden = phone.state !== "elsewhere";
    this.again.hidden = !["denied", "refused", "failed"].includes(phone.state);
    this.settings.hidden = !phone.listening;
    this.echo.disabled = phone.state !== "ready";
    if (this.controls) {
      this.controls.hidden = phone.state !== "in_call";
      this.hold.setAttribute("aria-pressed", String(phone.held));
      this.mute.setAttribute("aria-pressed", String(phone.muted));
    }
  }

  async drawDevices() {
    const devices = await this.phone.devices();
    for (const [kind, select] of Object.entries(this.selects)) {
      const mine = devices.filter((one) => one.kind === kind);
      select.replaceChildren(...mine.map((one) => make("option", {
        value: one.id, textContent: one.label || "Unnamed", selected: one.chosen,
      })));
      select.disabled = mine.length === 0;
    }
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  #levels() {
    if (document.hidden || !this.phone.listening) return;
    const levels = this.phone.levels();
    for (const [name, meter] of Object.entries(this.meters)) meter.value = levels[name];
  }
}
