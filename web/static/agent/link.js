// The agent page's way to callcamp: the live stream of the agent, and commands.

const SILENT_FOR_MS = 25000;
const AGAIN_MS = 2000;

export class Refused extends Error {
  constructor(status, message, id) {
    super(message);
    this.status = status;
    this.id = id;
  }
}

// Thrown when nobody can tell whether a command arrived.
export class Unreachable extends Error {}

// A session that is over leads to the log-in, and that back to here.
function toLogIn() {
  const next = window.location.pathname + window.location.search;
  window.location.assign(`/login?${new URLSearchParams({ next })}`);
}

async function answered(request) {
  let answer;
  try {
    answer = await request;
  } catch {
    throw new Unreachable("callcamp does not answer.");
  }
  if (answer.status === 401) {
    toLogIn();
    throw new Unreachable("The session is over.");
  }
  let body = null;
  try {
    body = await answer.json();
  } catch {
    if (answer.ok) throw new Unreachable("The answer broke off.");
  }
  if (answer.ok) return body;
  // A proxy whose callcamp is away answers for it: nobody knows what became of the command.
  if (answer.status >= 502 && answer.status <= 504 && !body?.error) {
    throw new Unreachable("callcamp does not answer.");
  }
  const error = body?.error ?? {};
  throw new Refused(answer.status, error.message ?? `callcamp answers with ${answer.status}.`, error.id);
}

export class Link {
  #source = null;
  #heardAt = 0;
  #timer = null;

  constructor({ base, api, csrf }, { onView, onLost }) {
    this.base = base;
    this.api = api;
    this.csrf = csrf;
    this.onView = onView;
    this.onLost = onLost;
    this.lost = false;
    window.addEventListener("pagehide", () => this.#hush());
    window.addEventListener("pageshow", () => this.listen());
    window.addEventListener("online", () => this.#again());
    window.addEventListener("offline", () => this.#lose());
    setInterval(() => { if (Date.now() - this.#heardAt > SILENT_FOR_MS) this.#again(); }, 5000);
  }

  // Unlike other pages this one listens in the background too: calls come at any time.
  listen() {
    if (this.#source) return;
    this.#heardAt = Date.now();
    const source = new EventSource(`${this.base}/live`);
    this.#source = source;
    source.addEventListener("agent", (event) => {
      this.#heard();
      this.onView(JSON.parse(event.data));
    });
    source.addEventListener("still", () => this.#heard());
    source.addEventListener("error", () => {
      if (source !== this.#source) return;
      this.#lose();
      if (source.readyState === EventSource.CLOSED) this.#refused();
    });
  }

  #heard() {
    this.#heardAt = Date.now();
    if (!this.lost) return;
    this.lost = false;
    this.onLost(false);
  }

  #lose() {
    if (this.lost) return;
    this.lost = true;
    this.onLost(true);
  }

  #hush() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
  }

  #again() {
    if (Date.now() - this.#heardAt > SILENT_FOR_MS) this.#lose();
    this.#hush();
    this.listen();
  }

  // A browser never asks again for a stream that was refused once, be it for a moment only.
  async #refused() {
    this.#hush();
    try {
      const answer = await fetch(`${this.base}/live`, { method: "HEAD" });
      if (answer.status === 401) { toLogIn(); return; }
    } catch { /* the banner says that callcamp is away */ }
    this.#timer = setTimeout(() => this.listen(), AGAIN_MS);
  }

  read(path) {
    return answered(fetch(`${this.base}${path}`, { headers: { Accept: "application/json" } }));
  }

  // Sends a command once. Whether it is sent again is the caller's to decide.
  async ask(command, body) {
    try {
      return await this.#send(command, body);
    } catch (error) {
      if (error.id !== "stale_form") throw error;
    }
    // callcamp was started again: nothing was done, and its pages have a new token.
    this.csrf = await this.#token();
    return this.#send(command, body);
  }

  async #token() {
    try {
      const page = await (await fetch(this.base)).text();
      return new DOMParser().parseFromString(page, "text/html").getElementById("agent").dataset.csrf;
    } catch {
      throw new Unreachable("callcamp does not answer.");
    }
  }

  #send(command, body) {
    const headers = { Accept: "application/json", "X-CSRF-Token": this.csrf };
    const given = body === undefined
      ? { headers }
      : { headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
    return answered(fetch(`${this.api}/${command}`, { method: "POST", ...given }));
  }
}
