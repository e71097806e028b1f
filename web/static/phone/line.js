// The line to Asterisk: registration over WebSocket, and one call at a time.

import JsSIP from "../vendor/jssip/jssip.min.js";

const { causes } = JsSIP.C;
const PAUSES_S = [2, 4, 8, 16, 30, 60];
// Short, so that a line that died without a word is noticed.
const REGISTER_EXPIRES_S = 120;
const BUSY_HERE = 486;
// Measured: all of them come within 5 ms of the first, also on a busy machine.
const OWN_ADDRESSES_MS = 30;

// A page that speaks https cannot open ws:, and a path is one of callcamp's own host.
export function wsAddress(text) {
  const url = new URL(text, window.location.href);
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  return url.href;
}

export class Line {
  #ua = null;
  #timer = null;
  #failures = 0;

  // `tell(event, data)` hears: connecting, registered, lost, refused, call, up, held, end, sound.
  constructor(config, sound, tell) {
    this.config = config;
    this.sound = sound;
    this.tell = tell;
    this.session = null;
  }

  start() {
    const { ws_url, sip_uri, password } = this.config;
    this.#ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(wsAddress(ws_url))],
      uri: sip_uri,
      password,
      session_timers: false,
      register_expires: REGISTER_EXPIRES_S,
      connection_recovery_min_interval: PAUSES_S[0],
      connection_recovery_max_interval: 30,
      user_agent: "callcamp",
    });
    this.#ua.on("connecting", () => this.tell("connecting"));
    this.#ua.on("registered", () => { this.#failures = 0; this.tell("registered"); });
    this.#ua.on("disconnected", () => this.tell("lost"));
    this.#ua.on("registrationFailed", (event) => this.#notRegistered(event));
    this.#ua.on("newRTCSession", (event) => this.#began(event));
    this.tell("connecting");
    this.#ua.start();
  }

  // Tries at once instead of after the pause: the network is back.
  hurry() {
    if (!this.#ua || this.#ua.isRegistered()) return;
    if (this.#ua.isConnected()) this.#ua.register();
    else this.#ua.transport.connect();
  }

  #notRegistered({ response, cause }) {
    if (cause === causes.AUTHENTICATION_ERROR || [401, 403, 407].includes(response?.status_code)) {
      this.tell("refused");
      return;
    }
    this.tell("lost");
    const pause = PAUSES_S[Math.min(this.#failures, PAUSES_S.length - 1)];
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.hurry(), pause * 1000);
  }

  #options() {
    return {
      mediaStream: this.sound.stream,
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: this.config.ice_servers ?? [] },
    };
  }

  call(target) {
    if (this.session) return;
    this.#ua.call(`sip:${target}@${this.#ua.configuration.uri.host}`, this.#options());
  }

  #began({ originator, session, request }) {
    const incoming = originator === "remote";
    if (this.session) {
      if (incoming) session.terminate({ status_code: BUSY_HERE });
      return;
    }
    this.session = session;
    const over = ({ originator: by, cause }) => this.#over(session, by, cause);
    session.on("ended", over);
    session.on("failed", over);
    session.on("confirmed", () => this.tell("up"));
    session.on("hold", (event) => this.tell("held", { on: true, by: event.originator }));
    session.on("unhold", (event) => this.tell("held", { on: false, by: event.originator }));
    this.#gather(session);
    this.#somewhere(session);
    session.on("peerconnection", (event) => this.#listen(event.peerconnection));
    if (session.connection) this.#listen(session.connection);
    this.tell("call", {
      incoming,
      from: incoming ? request.from.uri.user : "",
      name: incoming ? request.from.display_name ?? "" : "",
    });
    if (incoming) session.answer(this.#options());
  }

  // The machine's own addresses are known at once, those that servers tell take seconds in which
  // a person hears nothing; Asterisk learns them when they are tried. It must know all of the
  // machine's own, though: sound from an address that comes later it drops.
  #gather(session) {
    let timer = null;
    session.on("icecandidate", ({ candidate, ready }) => {
      if (candidate.type === "host") timer ??= setTimeout(ready, OWN_ADDRESSES_MS);
      else ready();
    });
  }

  // A browser that hides its address (Firefox, at times) says that it is nowhere, which is how
  // phones of old said "on hold": Asterisk would play music, and keep the call on hold for ever. The
  // true address is found by trying; this one is nobody's (RFC 5737).
  #somewhere(session) {
    session.on("sdp", (event) => {
      if (event.originator === "local") event.sdp = event.sdp.replace(/^c=IN IP4 0\.0\.0\.0/gm, "c=IN IP4 192.0.2.1");
    });
  }

  #listen(connection) {
    connection.addEventListener("track", (event) => {
      this.tell("sound", event.streams[0] ?? new MediaStream([event.track]));
    });
  }

  #over(session, by, cause) {
    if (this.session !== session) return;
    this.session = null;
    this.tell("end", { by, cause });
  }

  hangup() {
    if (this.session && !this.session.isEnded()) this.session.terminate();
  }

  hold(on) {
    if (!this.session?.isEstablished()) return;
    if (on) this.session.hold();
    else this.session.unhold();
  }

  // JsSIP has to know, too: with every change of the call it sets the microphone as it thinks.
  mute(on) {
    if (!this.session || this.session.isEnded()) return;
    if (on) this.session.mute({ audio: true });
    else this.session.unmute({ audio: true });
  }

  dtmf(digit) {
    if (this.session?.isEstablished()) this.session.sendDTMF(digit, { transportType: "RFC2833" });
  }

  // Another microphone takes over in a call that goes on.
  async replace(track) {
    const sender = this.session?.connection?.getSenders().find((one) => one.track?.kind === "audio");
    await sender?.replaceTrack(track);
  }

  // What of the call's sound has come and gone: packets, loss, delays, and the direction that
  // was agreed on; null without a call.
  async stats() {
    const connection = this.session?.connection;
    const report = await connection?.getStats();
    if (!report) return null;
    const direction = connection.getTransceivers()[0]?.currentDirection ?? "";
    const found = { sent: 0, received: 0, lost: 0, jitter_ms: 0, round_trip_ms: null, direction };
    for (const one of report.values()) {
      if (one.type === "outbound-rtp") found.sent += one.packetsSent;
      if (one.type === "inbound-rtp") {
        found.received += one.packetsReceived;
        found.lost += one.packetsLost;
        found.jitter_ms = Math.round(one.jitter * 1000);
      }
      if (one.type === "candidate-pair" && one.nominated && one.currentRoundTripTime) {
        found.round_trip_ms = Math.round(one.currentRoundTripTime * 1000);
      }
    }
    return found;
  }

  stop() {
    clearTimeout(this.#timer);
    this.hangup();
    const ua = this.#ua;
    this.#ua = null;
    ua?.removeAllListeners();
    ua?.stop();
  }
}
