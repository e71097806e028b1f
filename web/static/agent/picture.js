// Draws what the agent's state, contact and day are. Nothing here sends anything.

import { byId, lasting, make, say, show } from "./parts.js";

export const WORDS = {
  offline: "Off shift",
  ready: "Ready",
  previewing: "Preview",
  ringing: "Your phone rings",
  dialing: "Calling the contact",
  talking: "Talking",
  wrap_up: "After the call",
  paused: "Paused",
};
const PLAIN_RESULT = { answered: "" };

export const isOnTheLine = (view) => view.method === "agent_first" || view.method === "preview";

export function drawState(view) {
  const box = byId("a-state");
  box.dataset.state = view.state;
  if (view.call?.on_hold && view.state === "talking") box.dataset.state = "hold";
  say("a-state-word", view.call?.on_hold && view.state === "talking" ? "On hold" : WORDS[view.state]);
  const later = view.pause_wanted ? `then pause: ${view.pause_wanted}` : "";
  say("a-reason", view.state === "paused" ? view.reason : later);
  say("a-campaign", view.campaign);
  document.title = `${WORDS[view.state]}${view.call ? ` · ${view.call.number}` : ""} · callcamp`;
}

export function drawWaiting(view) {
  const texts = {
    ready: isOnTheLine(view) && !view.on_line
      ? "Your phone is called first. Answer it and stay on the line: contacts come one after another."
      : "You are ready. Contacts come by themselves while the campaign calls.",
    ringing: "Answer your phone: the contact is on the way.",
    paused: "You take no calls. Press Ready to go on.",
  };
  const hint = view.problem ? `No call can reach you: ${view.problem} Tell your supervisor.` : texts[view.state];
  const text = view.call || view.offer ? "" : hint ?? "";
  say("a-waiting-text", text);
  show("a-waiting", Boolean(text));
}

export function drawPhone(view) {
  const line = byId("a-phone-state");
  if (!line) return;
  const known = view.phone_up === null ? "not known whether it can be reached" : view.phone_up ? "can be reached" : "cannot be reached";
  line.textContent = `${line.dataset.address}: ${view.on_line ? "on the line" : known}.`;
  line.classList.toggle("good", view.on_line || view.phone_up === true);
  line.classList.toggle("bad", !view.on_line && view.phone_up === false);
}

export function drawCountdown(prefix, until, totalS, now) {
  show(prefix, Boolean(until));
  if (!until) return;
  const leftS = Math.max(0, (Date.parse(until) - now) / 1000);
  say(`${prefix}-left`, String(Math.ceil(leftS)));
  const bar = byId(`${prefix}-bar`);
  bar.value = totalS > 0 ? Math.min(1, leftS / totalS) : 0;
  bar.classList.toggle("a-last", leftS <= 5);
}

export function drawControls(view) {
  const talking = view.state === "talking";
  const { call } = view;
  const on = Boolean(call) && (talking || view.state === "dialing");
  show("a-call", on);
  show("a-controls", on);
  if (!call) return;
  for (const id of ["a-hold", "a-mute", "a-keypad", "a-transfer"]) byId(id).disabled = !talking;
  byId("a-hold").setAttribute("aria-pressed", String(call.on_hold));
  byId("a-mute").setAttribute("aria-pressed", String(call.muted));
  say("a-hold", call.on_hold ? "Take back" : "Hold");
  say("a-mute", call.muted ? "Unmute" : "Mute");
  // While somebody else is asked, the contact is on hold already.
  for (const id of ["a-hold", "a-transfer"]) byId(id).disabled = !talking || Boolean(call.consulting);
  show("a-consulting", Boolean(call.consulting));
  say("a-consulting-text", call.consulting ? `You talk to ${call.consulting}; the contact waits.` : "");
}

export function drawContact(work, sheet) {
  show("a-work", Boolean(work));
  if (!work) return;
  say("a-title", sheet?.title ?? work.number);
  say("a-number", sheet && sheet.title !== work.number ? work.number : "");
  say("a-others", sheet && sheet.numbers.length > 1 ? `also ${sheet.numbers.filter((one) => one !== work.number).join(", ")}` : "");
  show("a-callback-note", Boolean(sheet?.callback));
  byId("a-variables").replaceChildren(...Object.entries(work.variables).map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value || "–"))));
  const history = sheet?.history ?? [];
  byId("a-history").replaceChildren(...history.map(past));
  show("a-history", history.length > 0);
  show("a-no-history", Boolean(sheet) && history.length === 0);
}

const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function past(call) {
  const result = call.outcome || PLAIN_RESULT[call.result] || call.result;
  const more = [
    call.talk_s === null ? "" : lasting(call.talk_s),
    call.agent,
    call.campaign,
  ].filter(Boolean).join(" · ");
  const answers = Object.entries(call.answers);
  return make("li", {},
    make("b", {}, result), " ", make("time", { dateTime: call.at }, when.format(new Date(call.at))),
    make("span", { className: "sub" }, more),
    answers.length
      ? make("details", {}, make("summary", {}, "What was noted"),
        make("dl", { className: "a-data" }, ...answers.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))))
      : null);
}

// The time of day where the contact is: who calls at six in the morning should know it.
export function drawThere(sheet, now) {
  if (!sheet) { say("a-there", ""); return; }
  const clock = (zone) => {
    try {
      return new Intl.DateTimeFormat(undefined, { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit" }).format(new Date(now));
    } catch {
      return "";
    }
  };
  const [zone] = sheet.zones;
  const all = [...new Set(sheet.zones.map(clock))].filter(Boolean);
  const where = sheet.zone_known ? zone.split("/").pop().replaceAll("_", " ") : "campaign's zone; the contact's is not known";
  say("a-there", all.length > 1 ? `${all[0]} to ${all.at(-1)} there` : `${all[0] ?? ""} there (${where})`);
}

export function drawDay(work) {
  const seconds = (state) => work?.seconds?.[state] ?? 0;
  const busy = work?.occupancy;
  const figures = [
    ["Calls", String(work?.calls ?? 0)],
    ["Talking", lasting(seconds("talking"))],
    ["After calls", lasting(seconds("wrap_up"))],
    ["Waiting", lasting(seconds("ready"))],
    ["Paused", lasting(seconds("paused"))],
    ["On shift", lasting(work?.logged_in_s ?? 0)],
    ["Occupied", busy === null || busy === undefined ? "–" : `${Math.round(busy * 100)} %`],
    ["Missed", String(work?.missed ?? 0)],
  ];
  byId("a-day").replaceChildren(...figures.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  byId("a-day-outcomes").replaceChildren(...Object.entries(work?.outcomes ?? {})
    .sort((a, b) => b[1] - a[1])
    .map(([name, n]) => make("li", {}, `${name.replaceAll("_", " ")} `, make("b", {}, String(n)))));
}
