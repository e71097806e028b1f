// The page on which an agent works: shows the agent's live state, sends what the agent asks for.
//
// A command is sent once. Sent again by itself is only what means the same twice: the result of
// a call, which names its call.

import { Form } from "./agent/form.js";
import { Link, Refused, Unreachable } from "./agent/link.js";
import { announce, byId, lasting, make, say, show, toast } from "./agent/parts.js";
import {
  WORDS, drawContact, drawControls, drawCountdown, drawDay, drawPhone, drawState, drawThere,
  drawWaiting, isOnTheLine,
} from "./agent/picture.js";
import { busy, isBusy } from "./busy.js";

const root = byId("agent");
const { name, base, api, csrf } = root.dataset;
const BUSY = new Set(["previewing", "ringing", "dialing", "talking", "wrap_up"]);
const LAST_MOMENT_MS = 1500;
const DAY_EVERY_MS = 60000;

let view = null;
let sheet = null;
let wanted = null;
let clockOffsetMs = 0;
let unsent = null;
let sending = false;
let sentAtTheEnd = null;

const now = () => Date.now() + clockOffsetMs;
const link = new Link({ base, api, csrf }, { onView: (next) => update(next), onLost: (lost) => lose(lost) });
const form = new Form({ name, link, onFinish: () => finish() });

// --- What comes in --------------------------------------------------------------------------
function update(next) {
  const before = view;
  clockOffsetMs = Date.parse(next.now) - Date.now();
  view = next;
  draw();
  if (before?.state !== next.state) {
    announce(WORDS[next.state]);
    if (before === null || next.state === "offline" || before.state === "offline" || before.state === "wrap_up") lookAtDay();
  }
  const asked = before?.call?.consulting;
  if (asked && next.call?.attempt_id === before.call.attempt_id && next.call.on_hold && !next.call.consulting) {
    toast(`${asked} has hung up or did not answer. The contact is still on hold.`);
  }
  lookAtCall();
  sendUnsent();
}

const workOf = (one) => one?.call ?? one?.offer ?? null;

async function lookAtCall() {
  const work = workOf(view);
  const attempt = work?.attempt_id ?? null;
  if (attempt === wanted && (attempt === null || sheet?.attempt_id === attempt)) return;
  wanted = attempt;
  if (attempt === null) {
    sheet = null;
    form.close();
    closePanels();
    draw();
    return;
  }
  try {
    const found = await link.read(`/calls/${attempt}`);
    if (wanted !== attempt) return;
    sheet = found;
    draw();
  } catch (error) {
    // It is asked for again with the next picture, or here if none comes.
    if (wanted !== attempt) return;
    wanted = null;
    if (error instanceof Unreachable) setTimeout(() => lookAtCall(), 2000);
  }
}

let day = null;
async function lookAtDay() {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  try {
    day = await link.read(`/desk?${new URLSearchParams({ since: midnight.toISOString() })}`);
  } catch {
    return;
  }
  drawDay(day.work);
  drawCampaigns();
}

function lose(lost) {
  show("a-lost", lost);
  root.classList.toggle("a-away", lost);
  if (!lost) { wanted = sheet ? wanted : null; lookAtDay(); }
}

// --- What is shown --------------------------------------------------------------------------
function draw() {
  if (!view) return;
  const work = workOf(view);
  drawState(view);
  drawWaiting(view);
  drawPhone(view);
  drawControls(view);
  const known = work && sheet?.attempt_id === work.attempt_id ? sheet : null;
  drawContact(work, known);
  const offline = view.state === "offline";
  show("a-offline", offline);
  show("a-actions", !offline);
  show("a-offer", Boolean(view.offer));
  byId("a-ready").disabled = view.state === "ready" || (BUSY.has(view.state) && view.state !== "wrap_up" && !view.pause_wanted);
  say("a-ready", view.pause_wanted ? "No pause" : view.state === "wrap_up" ? "Next call" : "Ready");
  say("a-pause", BUSY.has(view.state) && view.state !== "previewing" ? "Pause after this" : "Pause");
  byId("a-log-out").disabled = ["ringing", "dialing", "talking"].includes(view.state);
  show("a-call-phone", isOnTheLine(view) && !view.on_line && ["ready", "paused"].includes(view.state));
  if (known) form.open(known);
  show("a-form", Boolean(known));
  show("a-result", Boolean(view.call));
  say("a-finish", view.state === "wrap_up" ? "Note and go on" : "Note the result");
  if (view.call?.noted && !byId("a-noted").textContent) say("a-noted", "Noted. You can note it again as long as the call goes on.");
  if (view.call?.noted) form.forget();
  tick();
}

function drawCampaigns() {
  const campaigns = day?.campaigns ?? [];
  show("a-no-campaigns", campaigns.length === 0);
  byId("a-campaigns").replaceChildren(...campaigns.map((one) => {
    const button = make("button", { type: "button", className: "a-campaign" },
      make("strong", {}, one.name), make("span", { className: "sub" }, `${one.method.replaceAll("_", " ")} · ${one.status}`));
    button.addEventListener("click", () => ask(button, "log-in", { campaign_id: one.id }));
    return button;
  }));
}

function tick() {
  if (!view) return;
  const at = now();
  const since = view.state === "talking" && view.call?.connected_at ? view.call.connected_at : view.since;
  say("a-timer", view.state === "offline" ? "" : lasting((at - Date.parse(since)) / 1000));
  const work = workOf(view);
  drawThere(work && sheet?.attempt_id === work.attempt_id ? sheet : null, at);
  const offerS = view.offer ? (Date.parse(view.offer.dial_at) - Date.parse(view.since)) / 1000 : 0;
  show("a-offer", Boolean(view.offer));
  if (view.offer) drawCountdown("a-offer", view.offer.dial_at, offerS, at);
  const until = view.state === "wrap_up" ? view.wrap_up_until : null;
  drawCountdown("a-wrap", until, sheet?.wrap_up_s ?? 0, at);
  if (until && Date.parse(until) - at < LAST_MOMENT_MS) atTheEnd();
}
setInterval(tick, 250);
setInterval(lookAtDay, DAY_EVERY_MS);

// --- Commands -------------------------------------------------------------------------------
async function ask(button, command, body) {
  if (isBusy(button)) return false;
  busy(button, true);
  try {
    await link.ask(command, body);
    byId("toast").replaceChildren();
    return true;
  } catch (error) {
    if (error instanceof Unreachable) toast("callcamp did not answer, so nobody knows whether that was done. Look at the state above, then decide.");
    else toast(error.message);
    return false;
  } finally {
    busy(button, false);
  }
}

const onClick = (id, act) => byId(id)?.addEventListener("click", (event) => act(event.currentTarget));
// What was filled in is noted before the next call comes.
onClick("a-ready", (button) => (view?.state === "wrap_up" && form.touched && !view.call?.noted ? finish() : ask(button, "ready")));
onClick("a-log-out", (button) => ask(button, "log-out"));
onClick("a-call-phone", (button) => ask(button, "call-phone"));
onClick("a-test-phone", async (button) => {
  if (await ask(button, "test-phone")) toast("Your phone rings: answer it, speak, and you should hear yourself.");
});
onClick("a-accept", (button) => ask(button, "accept"));
onClick("a-hang-up", (button) => ask(button, "hang-up"));
onClick("a-hold", (button) => ask(button, "hold", { on: !view?.call?.on_hold }));
onClick("a-mute", (button) => ask(button, "mute", { on: !view?.call?.muted }));
onClick("a-complete", (button) => ask(button, "consult/complete"));
onClick("a-cancel", (button) => ask(button, "consult/cancel"));

// --- Panels that open under a button --------------------------------------------------------
const PANELS = { "a-pause": "a-pause-panel", "a-skip": "a-skip-panel", "a-keypad": "a-keys", "a-transfer": "a-transfer-panel" };
function open(id, on) {
  show(PANELS[id], on);
  byId(id).setAttribute("aria-expanded", String(on));
  if (on) byId(PANELS[id]).querySelector("input, select, button")?.focus();
}
function closePanels() {
  for (const id of ["a-skip", "a-keypad", "a-transfer"]) open(id, false);
}
for (const id of Object.keys(PANELS)) {
  onClick(id, () => {
    const on = byId(PANELS[id]).hidden;
    open(id, on);
    if (on && id === "a-transfer") lookForTargets();
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const [id, panel] of Object.entries(PANELS)) {
    if (byId(panel).contains(document.activeElement)) { open(id, false); byId(id).focus(); }
  }
});

async function pause(button, reason) {
  if (await ask(button, "pause", { reason })) {
    byId("a-pause-text").value = "";
    open("a-pause", false);
  }
}
for (const button of byId("a-pause-panel").querySelectorAll("[data-reason]")) {
  button.addEventListener("click", () => pause(button, button.dataset.reason));
}
byId("a-pause-panel").addEventListener("submit", (event) => {
  event.preventDefault();
  const reason = byId("a-pause-text").value.trim();
  if (reason) pause(event.submitter, reason);
  else byId("a-pause-text").focus();
});
byId("a-skip-panel").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await ask(event.submitter, "skip", { reason: byId("a-skip-text").value.trim() })) byId("a-skip-text").value = "";
});
byId("a-keys").addEventListener("click", (event) => {
  const { digit } = event.target.dataset;
  if (digit) ask(null, "keys", { digits: digit });
});
byId("a-keys").addEventListener("keydown", (event) => {
  if (!/^[0-9*#]$/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  byId("a-keys").querySelector(`[data-digit="${CSS.escape(event.key)}"]`)?.focus();
  ask(null, "keys", { digits: event.key });
});

const NOWHERE = { agents: [], queues: [], numbers: false };
let targets = NOWHERE;
async function lookForTargets() {
  try {
    targets = await link.read("/targets");
  } catch (error) {
    targets = NOWHERE;
    toast(error.message);
  }
  drawTargets();
}
function drawTargets() {
  const outside = byId("a-to").querySelector('[value="number"]');
  outside.disabled = !targets.numbers;
  if (outside.disabled && outside.selected) byId("a-to").value = "agent";
  const kind = byId("a-to").value;
  const list = kind === "agent"
    ? targets.agents.map((one) => make("option", { value: one.name }, `${one.label}: ${WORDS[one.state] ?? one.state}`))
    : kind === "queue" ? targets.queues.map((one) => make("option", { value: one })) : [];
  byId("a-targets").replaceChildren(...list);
  byId("a-target").inputMode = kind === "number" ? "tel" : "text";
}
byId("a-to").addEventListener("change", () => { byId("a-target").value = ""; drawTargets(); byId("a-target").focus(); });
byId("a-transfer-panel").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? byId("a-transfer-panel").querySelector("button");
  if (await ask(button, button.value, { to: byId("a-to").value, target: byId("a-target").value.trim() })) {
    byId("a-target").value = "";
    open("a-transfer", false);
  }
});

// --- The result of the call -----------------------------------------------------------------
async function finish(asItIs = false) {
  if (sending) return null;
  sending = true;
  const button = byId("a-finish");
  busy(button, true);
  try {
    const note = await form.note(asItIs);
    if (note) await send(note);
    return note;
  } catch (error) {
    form.problem(error.message);
    return null;
  } finally {
    sending = false;
    busy(button, false);
  }
}

async function send(note) {
  try {
    await link.ask("finish", note);
    settle(note);
    say("a-noted", view?.state === "wrap_up" ? "Noted." : "Noted. The result counts when the call is over.");
  } catch (error) {
    if (error instanceof Refused) {
      settle(null);
      form.problem(error.message);
      return;
    }
    unsent = note;
    say("a-unsent", "The result is kept here and is sent as soon as callcamp answers again.");
    show("a-unsent", true);
  }
}

function settle(note) {
  unsent = null;
  show("a-unsent", false);
  if (note) form.forget(note.attempt_id);
}

// After a lost connection: once more, also when the time for it is over meanwhile.
async function sendUnsent() {
  if (!unsent || sending || link.lost) return;
  const note = unsent;
  const isOpen = view.call?.attempt_id === note.attempt_id;
  if (isOpen && view.call.noted) { settle(note); return; }
  sending = true;
  try {
    if (isOpen) await send(note);
    else await sendLate(note);
  } finally {
    sending = false;
  }
}

async function sendLate(note) {
  try {
    await link.ask("finish", note);
    settle(note);
    toast("The result of your last call has arrived.");
  } catch (error) {
    if (!(error instanceof Refused)) return;
    unsent = null;
    say("a-unsent", `The result of your last call was not taken: ${error.message} Tell your supervisor what it was.`);
  }
}

// When the time for the result is over, what was filled in is noted as it is.
async function atTheEnd() {
  const attempt = view.call?.attempt_id;
  if (!attempt || sending || sentAtTheEnd === attempt || view.call.noted || !form.touched) return;
  sentAtTheEnd = attempt;
  const note = await finish(true);
  if (note?.unfinished) toast("The time for the result is over. What you had filled in was sent; some of it was missing.");
}

// --- Keyboard -------------------------------------------------------------------------------
const onAMac = /Mac/.test(navigator.platform);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !byId("a-form").hidden && !byId("a-result").hidden) {
    event.preventDefault();
    finish();
    return;
  }
  // AltGr of European keyboards comes as Ctrl and Alt.
  if (!event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
  const key = (onAMac ? event.code.replace("Key", "") : event.key).toUpperCase();
  const button = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!button) return;
  event.preventDefault();
  if (button.offsetParent !== null && !button.disabled) button.click();
});

const phoneLine = byId("a-phone-state");
if (phoneLine) phoneLine.dataset.address = root.dataset.address;
drawTargets();
drawDay(null);
link.listen();
