// Makes the pages live. Without this script every button still works, as a form.

import { busy, isBusy } from "./busy.js";

const byId = (id) => document.getElementById(id);

// --- Regions: the stream sends id -> content, already escaped by the templates. -----------
// callcamp's clock: a demo's runs faster than the world's, and the reader's may be wrong.
let clock = { shown: Date.now(), heard: Date.now(), speed: 1 };
const clockNow = () => clock.shown + (Date.now() - clock.heard) * clock.speed;

function setClock(said) {
  const [at, speed] = said.split(" ");
  clock = { shown: Date.parse(at), heard: Date.now(), speed: Number(speed) };
}

function show(regions) {
  const focused = document.activeElement?.closest?.("[id]")?.id;
  const action = document.activeElement?.getAttribute?.("formaction");
  for (const [id, html] of Object.entries(regions)) {
    const element = byId(id);
    if (element) element.innerHTML = html;
  }
  if ("campaigns" in regions) {
    const any = byId("campaigns").children.length > 0;
    byId("campaign-table").hidden = !any;
    byId("no-campaigns").hidden = any;
  }
  if (focused && document.activeElement === document.body) {
    const again = action && document.querySelector(`[formaction="${CSS.escape(action)}"]`);
    (again || byId(focused)?.querySelector("button, a"))?.focus();
  }
  if ("clock" in regions) setClock(regions.clock);
  if ("contact-counts" in regions || "figures" in regions) refreshLater();
  localTimes();
  tick();
}

// --- A session that is over leads to the log-in, and that back to here. --------------------
function isOver(status) {
  if (status !== 401) return false;
  const next = window.location.pathname + window.location.search;
  window.location.assign(`/login?${new URLSearchParams({ next })}`);
  return true;
}

let source = null;
let begun = false;
function listen() {
  const url = document.body.dataset.live;
  if (!url || source) return;
  source = new EventSource(url);
  source.addEventListener("regions", (event) => {
    byId("stream").hidden = true;
    show(JSON.parse(event.data));
    begun = true;
  });
  source.addEventListener("error", () => {
    byId("stream").hidden = false;
    if (source?.readyState === EventSource.CLOSED) refused(url);
  });
}
// A browser never asks again for a stream that was refused once, be it for a moment only.
async function refused(url) {
  hush();
  try {
    const answer = await fetch(url, { method: "HEAD", headers: { Accept: "text/event-stream" } });
    if (isOver(answer.status)) return;
  } catch { /* the notice says that the server is away */ }
  setTimeout(() => { if (!document.hidden) listen(); }, 5000);
}
function hush() {
  source?.close();
  source = null;
}
// A browser keeps six connections per host: pages that nobody sees give theirs back.
document.addEventListener("visibilitychange", () => (document.hidden ? hush() : listen()));
window.addEventListener("pagehide", hush);
window.addEventListener("pageshow", listen);
listen();

// --- The contacts table is asked for again when counts moved, once in three seconds. -------
let refreshTimer = null;
function refreshLater() {
  const target = byId("contacts");
  if (!begun || !target || refreshTimer) return;
  refreshTimer = setTimeout(async () => {
    refreshTimer = null;
    try {
      const answer = await fetch(target.dataset.refresh);
      if (answer.ok && !target.contains(document.activeElement)) {
        target.innerHTML = await answer.text();
        localTimes();
      }
    } catch { /* the stream's own notice says that the server is away */ }
  }, 3000);
}

// --- Times: since when, and in the reader's own zone. -------------------------------------
function tick() {
  const now = clockNow();
  for (const time of document.querySelectorAll("time[data-since]")) {
    const s = Math.max(0, Math.round((now - Date.parse(time.dateTime)) / 1000));
    const minutes = Math.floor(s / 60);
    time.textContent = `${minutes}:${String(s % 60).padStart(2, "0")}`;
  }
}
setInterval(tick, 1000);

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
function localTimes() {
  for (const time of document.querySelectorAll("time[data-local]")) {
    const at = Date.parse(time.dateTime);
    if (!Number.isNaN(at)) time.textContent = local.format(at);
    time.title = `${time.dateTime}`;
    time.removeAttribute("data-local");
  }
}

for (const choice of document.querySelectorAll("select[data-submit]")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}

const zone = document.querySelector("[data-own-zone]");
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;

// --- A screen reader hears where the campaign stands, not every number. -------------------
let announced = null;
setInterval(() => {
  const text = document.querySelector("[data-announce]")?.textContent ?? null;
  if (announced !== null && text !== announced) byId("announcer").textContent = text;
  announced = text;
}, 15000);

// --- Buttons: posted without a reload; the stream then shows what happened. ---------------
function toast(text) {
  if (!text) return;
  const line = document.createElement("p");
  line.textContent = text;
  byId("toast").replaceChildren(line);
  setTimeout(() => line.remove(), 8000);
}

async function post(url, form) {
  try {
    const answer = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "application/json" },
    });
    if (isOver(answer.status)) return null;
    const body = await answer.json();
    toast(answer.ok ? body.message : body.error.message);
    return answer.ok ? body : null;
  } catch {
    toast("callcamp does not answer. Is it still running?");
    return null;
  }
}

byId("act").addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button) return;
  event.preventDefault();
  if (button.dataset.confirm) {
    const url = button.formAction;
    const { confirm, confirmText } = button.dataset;
    ask(confirm, confirmText, button.textContent, () => post(url, event.target));
    return;
  }
  if (isBusy(button)) return;
  busy(button, true);
  await post(button.formAction, event.target);
  busy(button, false);
});

// --- Confirmation of what cannot be taken back. -------------------------------------------
const dialog = byId("confirm");
const stopText = { title: byId("confirm-title")?.textContent, text: byId("confirm-text")?.textContent };
function ask(title, text, yes, then) {
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-yes").textContent = yes;
  dialog.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    dialog.close();
    then();
  };
  byId("confirm-no").onclick = () => dialog.close();
  dialog.showModal();
  byId("confirm-no").focus();
}
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-confirm-stop]");
  if (!link || !dialog || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  ask(stopText.title, stopText.text, "Stop for good", () => post(link.href, byId("act")));
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  const asks = button?.dataset.confirm ? button : form;
  if (event.defaultPrevented || !asks.dataset?.confirm || !dialog || form.dataset.asked) return;
  event.preventDefault();
  ask(asks.dataset.confirm, asks.dataset.confirmText, button?.textContent ?? "Yes", () => {
    form.dataset.asked = "yes";
    form.requestSubmit(button);
    delete form.dataset.asked;
  });
});

// --- What the browser itself sends is sent once, however often its button is pressed. -----
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches('[method="post"]:not([data-progress])')) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  busy(event.submitter, true);
});
// What was begun is over for who comes back to the page; at its first showing it has just begun.
const onReturn = (act) => window.addEventListener("pageshow", (event) => { if (event.persisted) act(); });
onReturn(() => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    busy(form.querySelector("[aria-busy]"), false);
  }
});

// --- How far the server is: asked under a key that goes with the form. --------------------
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// Shows a job in a box until `till` says that it is over, or, without, until the server does.
async function follow(box, key, till) {
  const bar = box.querySelector("progress");
  const line = box.querySelector("[data-line]");
  while (!till?.over) {
    try {
      const job = await (await fetch(`/progress/${key}`)).json();
      if (till?.over || (!till && !job.going)) return;
      if (job.going) {
        if (job.fraction === null) bar.removeAttribute("value");
        else bar.value = job.fraction;
        line.textContent = job.text;
      }
    } catch { /* whoever waits for the answer says that the server is away */ }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
for (const box of document.querySelectorAll("[data-follow]")) {
  follow(box, box.dataset.follow).then(() => window.location.reload());
}

let working = null;
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  const box = byId(button?.dataset.progress ?? form.dataset?.progress);
  if (event.defaultPrevented || !box) return;
  event.preventDefault();
  if (working) return;
  const key = newKey();
  const url = new URL(button?.hasAttribute("formaction") ? button.formAction : form.action);
  url.searchParams.set("job", key);
  const data = new URLSearchParams(new FormData(form));
  if (button?.name) data.append(button.name, button.value);
  const bar = box.querySelector("progress");
  const problem = box.querySelector("[data-problem]");
  bar.removeAttribute("value");
  bar.hidden = false;
  box.hidden = false;
  problem.hidden = true;
  busy(button, true);
  working = { over: false, box, button };
  follow(box, key, working);
  let text = "callcamp does not answer. Is it still running?";
  try {
    const answer = await fetch(url, { method: "POST", body: data, headers: { Accept: "application/json" } });
    if (isOver(answer.status)) return;
    const body = await answer.json();
    // The page stays as it is, bar and all, until the next one is there.
    if (answer.ok) { working.over = true; window.location.assign(body.location); return; }
    text = body.error.message;
  } catch { /* said above */ }
  rest();
  box.hidden = false;
  bar.hidden = true;
  problem.textContent = text;
  problem.hidden = false;
});
function rest() {
  if (!working) return;
  working.over = true;
  busy(working.button, false);
  working.box.querySelector("[data-line]").textContent = "";
  working.box.hidden = true;
  working = null;
}
onReturn(rest);

// --- Upload: drop or browse, with progress. -----------------------------------------------
const upload = document.querySelector("form[data-upload]");
if (upload) {
  const drop = byId("drop");
  const input = upload.querySelector("input[type=file]");
  const box = upload.querySelector(".working");
  const bar = box.querySelector("progress");
  const line = box.querySelector("[data-line]");
  const button = upload.querySelector("button");
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) {
    drop.addEventListener(name, () => drop.classList.remove("over"));
  }
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    upload.requestSubmit();
  });
  upload.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isBusy(button)) return;
    const mib = Number(upload.dataset.maxMib);
    if (input.files[0]?.size > mib * 1024 * 1024) {
      toast(`The file is larger than ${mib} MB, the most that can be imported at once.`);
      return;
    }
    busy(button, true);
    const key = newKey();
    const url = new URL(upload.action);
    url.searchParams.set("job", key);
    const reading = { over: false };
    bar.value = 0;
    line.textContent = "Uploading…";
    box.hidden = false;
    const request = new XMLHttpRequest();
    request.upload.onprogress = (e) => { if (e.lengthComputable) bar.value = e.loaded / e.total; };
    request.upload.onload = () => {
      // All is sent; what comes now the server knows.
      bar.removeAttribute("value");
      line.textContent = "Reading…";
      follow(box, key, reading);
    };
    const over = (text) => { reading.over = true; busy(button, false); box.hidden = true; toast(text); };
    request.onerror = () => over("The upload was cut off.");
    request.onload = () => {
      if (isOver(request.status)) return;
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* said below */ }
      if (request.status < 300 && body.location) {
        reading.over = true;
        window.location.assign(body.location);
      } else over(body.error?.message ?? "The upload failed.");
    };
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.send(new FormData(upload));
  });
}

localTimes();
tick();
document.dispatchEvent(new Event("callcamp-ready"));  // early.js need not ask by itself
