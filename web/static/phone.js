// The browser phone of agents: takes calls from callcamp, by itself, while it is on.
//
// window.callcampPhone:
//   start({source})          turns it on; `source` is where its settings are read
//                            (/api/v1/agents/NAME/phone). In their place: ws_url, sip_uri,
//                            password, ice_servers.
//   stop()                   turns it off; a call ends
//   hangup(), hold(on), mute(on), dtmf(digit)
//   echoTest()               calls Asterisk, which sends back what it hears
//   devices()                -> [{kind, id, label, chosen}], kind: audioinput, audiooutput
//   useDevice(kind, id)
//   on(event, fn)            state, call, end, device, note, silenced; returns what ends it
//   stats()                  -> {sent, received, lost, jitter_ms, round_trip_ms, direction} or null
//   state, problem, caller, registered, held, muted, listening

import { Line } from "./phone/line.js";
import { Panel } from "./phone/panel.js";
import { MicrophoneRefused, Sound } from "./phone/sound.js";
import { Tab } from "./phone/tab.js";

const ECHO = "echo";
const ECHO_JUDGED_AFTER_MS = 4000;
const SOURCE_PAUSES_MS = [1000, 2000, 4000, 8000, 15000, 30000];
const LISTENING = new Set(["connecting", "ready", "ringing", "in_call", "lost", "refused"]);

class SettingsRefused extends Error {}

class Phone {
  #handlers = new Map();
  #sound = null;
  #line = null;
  #tab = new Tab();
  #given = null;
  #settings = null;
  #run = 0;
  #echoing = false;

  state = "off";
  problem = "";
  caller = "";
  registered = false;
  held = false;
  muted = false;

  get listening() {
    return LISTENING.has(this.state) && Boolean(this.#sound?.stream);
  }

  on(event, fn) {
    const all = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, all.add(fn));
    return () => all.delete(fn);
  }

  #tell(event, data = {}) {
    for (const fn of this.#handlers.get(event) ?? []) fn(data);
  }

  #become(state, problem = "") {
    this.state = state;
    this.problem = problem;
    this.#tell("state", { state, problem });
  }

  async start(given) {
    this.#given = given;
    await this.#begin({ steal: false });
  }

  // Takes the phone away from another tab.
  async takeOver() {
    if (this.#given) await this.#begin({ steal: true });
  }

  async restart() {
    if (this.#given) await this.#begin({ steal: false });
  }

  stop() {
    this.#given = null;
    this.#tab.drop();
    this.#end();
    this.#become("off");
  }

  async #begin({ steal }) {
    this.#end();
    const run = this.#run;
    if (!window.isSecureContext || !navigator.mediaDevices) {
      this.#become("insecure");
      return;
    }
    const whose = this.#given.source ?? this.#given.sip_uri;
    const has = await this.#tab.take({ whose, steal, lost: () => this.#lostTab() });
    if (run !== this.#run) return;
    if (!has) {
      this.#elsewhere();
      return;
    }
    this.#become("asking");
    this.#sound = new Sound(() => this.#microphoneGone());
    try {
      await this.#sound.open();
    } catch (error) {
      if (run === this.#run) this.#become("denied", error.message);
      return;
    }
    if (run !== this.#run) return;
    this.#become("connecting");
    this.#tell("device");
    await this.#connect(run);
  }

  async #connect(run) {
    for (let failures = 0; run === this.#run; failures += 1) {
      try {
        this.#settings = await this.#read();
        break;
      } catch (error) {
        if (run !== this.#run) return;
        if (error instanceof SettingsRefused) {
          this.#become("failed", error.message);
          return;
        }
        this.#become("lost");
        const pause = SOURCE_PAUSES_MS[Math.min(failures, SOURCE_PAUSES_MS.length - 1)];
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    if (run !== this.#run) return;
    this.#line?.stop();
    const line = new Line(this.#settings, this.#sound, (event, data) => {
      if (run === this.#run && line === this.#line) this.#heard(event, data);
    });
    this.#line = line;
    line.start();
  }

  async #read() {
    if (!this.#given.source) return this.#given;
    const answer = await fetch(this.#given.source, { headers: { Accept: "application/json" } });
    if (answer.ok) return answer.json();
    if (answer.status >= 500) throw new Error("callcamp is away");
    const { error } = await answer.json();
    throw new SettingsRefused(error.message);
  }

  #heard(event, data) {
    if (event === "connecting") this.#quietly("connecting");
    if (event === "registered") { this.registered = true; this.#quietly("ready"); }
    if (event === "lost") { this.registered = false; this.#quietly("lost"); }
    if (event === "refused") this.#refused();
    if (event === "call") {
      this.caller = data.incoming ? data.name || data.from : "";
      this.held = false;
      this.mute(false);
      this.#become("ringing");
      this.#tell("call", data);
    }
    if (event === "up") {
      this.#sound.tone();
      this.#become("in_call");
    }
    if (event === "held" && data.by === "local") {
      this.held = data.on;
      this.#tell("state", { state: this.state, problem: "" });
    }
    if (event === "sound") this.#hear(data);
    if (event === "end") this.#ended(data);
  }

  // What the line says about itself is no news during a call: that goes on without it.
  #quietly(state) {
    if (this.#line?.session) this.#tell("state", { state: this.state, problem: "" });
    else this.#become(state);
  }

  async #hear(stream) {
    const heard = await this.#sound.hear(stream);
    this.#tell("silenced", { on: !heard });
  }

  #ended(data) {
    this.#sound.hush();
    this.#tell("silenced", { on: false });
    this.held = false;
    this.mute(false);
    this.caller = "";
    this.#echoing = false;
    this.#become(this.registered ? "ready" : "lost");
    this.#tell("end", data);
  }

  // The password may have been renewed since it was read: once it is asked for again.
  async #refused() {
    const run = this.#run;
    this.registered = false;
    const before = this.#settings;
    this.#become("refused");
    if (!this.#given?.source) return;
    const fresh = await this.#read().catch(() => before);
    if (run === this.#run && fresh.password !== before.password) await this.#connect(run);
  }

  #lostTab() {
    this.#end();
    this.#elsewhere();
  }

  #elsewhere() {
    this.#become("elsewhere");
    this.#tab.wait(() => this.restart());
  }

  async #microphoneGone() {
    const run = this.#run;
    try {
      await this.#sound.open();
    } catch (error) {
      if (run === this.#run && error instanceof MicrophoneRefused) this.#tell("note", { text: error.message });
      return;
    }
    if (run !== this.#run) return;
    await this.#line?.replace(this.#sound.stream.getAudioTracks()[0]);
    this.#tell("note", { text: "The microphone was unplugged; another one is used now." });
    this.#tell("device");
  }

  #end() {
    this.#run += 1;
    this.#line?.stop();
    this.#line = null;
    this.#sound?.close();
    this.#sound = null;
    this.registered = this.held = this.muted = this.#echoing = false;
    this.caller = "";
  }

  hangup() { this.#line?.hangup(); }

  hold(on) { this.#line?.hold(on); }

  mute(on) {
    this.muted = on;
    this.#sound?.mute(on);
    this.#line?.mute(on);
    this.#tell("state", { state: this.state, problem: this.problem });
  }

  dtmf(digit) {
    if (/^[0-9*#]$/.test(digit)) this.#line?.dtmf(digit);
  }

  async echoTest() {
    if (this.state !== "ready") return;
    const line = this.#line;
    this.#echoing = true;
    this.#tell("note", { text: "Speak: you should hear yourself." });
    line.call(ECHO);
    await new Promise((resolve) => setTimeout(resolve, ECHO_JUDGED_AFTER_MS));
    if (!this.#echoing || line !== this.#line) return;
    const { sent, received } = (await line.stats()) ?? { sent: 0, received: 0 };
    if (!this.#echoing) return;
    this.#tell("note", {
      text: sent && received
        ? `Sound goes out and comes back (${sent} packets out, ${received} in). Hang up to end the test.`
        : `No sound ${sent ? "comes back" : "goes out"} (${sent} packets out, ${received} in). A firewall may stop it: see docs/browser-phone.md.`,
    });
  }

  async devices() {
    return (await this.#sound?.devices()) ?? [];
  }

  async useDevice(kind, id) {
    try {
      const track = await this.#sound?.use(kind, id);
      if (track) await this.#line?.replace(track);
    } catch (error) {
      this.#tell("note", { text: error.message });
    }
    this.#tell("device");
  }

  async wake() {
    const heard = await this.#sound?.wake();
    this.#tell("silenced", { on: heard === false });
  }

  levels() { return this.#sound?.levels() ?? { microphone: 0, speaker: 0 }; }

  async stats() { return (await this.#line?.stats()) ?? null; }

  // The page goes away: the other side must not be left with silence.
  leave() { this.#line?.hangup(); }

  hurry() { this.#line?.hurry(); }
}

export const phone = new Phone();
window.callcampPhone = phone;
window.addEventListener("pagehide", () => phone.leave());
window.addEventListener("online", () => phone.hurry());
const root = document.getElementById("phone");
if (root) {
  const panel = new Panel(root, phone);
  navigator.mediaDevices?.addEventListener("devicechange", () => panel.drawDevices());
  if (root.dataset.source) phone.start({ source: root.dataset.source });
}
