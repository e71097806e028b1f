// Microphone and speaker: one stream for the whole shift, levels, choice of devices.

const KEPT = "callcamp-phone-";

// What a person can do about a microphone that does not come, by the browser's own word for it.
const WHY = {
  NotAllowedError: "The browser was told not to give callcamp the microphone. Click the sign beside the address of this page, allow the microphone, and reload.",
  NotFoundError: "There is no microphone. Plug in a headset, and try again.",
  NotReadableError: "Another program keeps the microphone. Close it, and try again.",
  OverconstrainedError: "The chosen microphone is not there any more. Choose another one.",
};

export class MicrophoneRefused extends Error {
  constructor(error) {
    super(WHY[error.name] ?? `The microphone does not work: ${error.message}`);
    this.name = error.name;
  }
}

function kept(kind) {
  try { return localStorage.getItem(KEPT + kind) ?? ""; } catch { return ""; }
}
function keep(kind, id) {
  try { localStorage.setItem(KEPT + kind, id); } catch { /* then it is asked again next time */ }
}

// Loudness of a stream from 0 to 1, as people hear it: on a scale of decibels.
class Meter {
  constructor(context, stream) {
    this.source = context.createMediaStreamSource(stream);
    this.analyser = context.createAnalyser();
    this.analyser.fftSize = 512;
    this.samples = new Float32Array(this.analyser.fftSize);
    this.source.connect(this.analyser);
  }

  read() {
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, x) => sum + x * x, 0) / this.samples.length;
    const decibels = power > 0 ? 10 * Math.log10(power) : -100;
    return Math.min(1, Math.max(0, (decibels + 60) / 60));
  }

  close() {
    this.source.disconnect();
  }
}

export class Sound {
  constructor(onLost) {
    this.onLost = onLost;
    this.stream = null;
    this.context = null;
    this.speaker = document.createElement("audio");
    this.speaker.autoplay = true;
    this.meters = {};
  }

  // Asks for the microphone, once; the stream lives until close().
  async open() {
    const id = kept("audioinput");
    this.context ??= new AudioContext();
    try {
      this.stream = await this.#ask(id);
    } catch (error) {
      // A headset that was unplugged since is no reason to have no phone.
      if (!id || error.name === "NotAllowedError") throw new MicrophoneRefused(error);
      try { this.stream = await this.#ask(""); } catch (again) { throw new MicrophoneRefused(again); }
    }
    this.#watch();
    await this.#speakTo(kept("audiooutput"));
    return this.stream;
  }

  #ask(id) {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    if (id) audio.deviceId = { exact: id };
    return navigator.mediaDevices.getUserMedia({ audio, video: false });
  }

  #watch() {
    this.meters.microphone?.close();
    this.meters.microphone = new Meter(this.context, this.stream);
    const [track] = this.stream.getAudioTracks();
    track.addEventListener("ended", () => {
      if (this.stream?.getAudioTracks()[0] === track) this.onLost();
    });
  }

  // Lets what comes from the other side be heard. False: the browser wants a click first.
  async hear(stream) {
    this.meters.speaker?.close();
    this.meters.speaker = new Meter(this.context, stream);
    this.speaker.srcObject = stream;
    return this.wake();
  }

  async wake() {
    try {
      // Not waited for: without a click, or without a sound card, it may never come back.
      if (this.context?.state === "suspended") this.context.resume().catch(() => {});
      if (this.speaker.srcObject) await this.speaker.play();
      return true;
    } catch (error) {
      return error.name !== "NotAllowedError";
    }
  }

  hush() {
    this.meters.speaker?.close();
    delete this.meters.speaker;
    this.speaker.srcObject = null;
  }

  mute(on) {
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !on;
  }

  // A soft tone: somebody is on the line.
  tone() {
    if (this.context?.state !== "running") return;
    const now = this.context.currentTime;
    const gain = this.context.createGain();
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(0.08, now + 0.02);
    gain.gain.linearRampToValueAtTime(0, now + 0.18);
    const wave = this.context.createOscillator();
    wave.frequency.value = 660;
    wave.connect(gain).connect(this.context.destination);
    wave.start(now);
    wave.stop(now + 0.2);
  }

  levels() {
    return {
      microphone: this.meters.microphone?.read() ?? 0,
      speaker: this.meters.speaker?.read() ?? 0,
    };
  }

  // Every microphone and speaker: [{kind, id, label, chosen}].
  async devices() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const used = {
      audioinput: this.stream?.getAudioTracks()[0]?.getSettings().deviceId,
      audiooutput: this.speaker.sinkId || "default",
    };
    return all
      .filter((one) => one.kind in used && one.deviceId)
      .map((one) => ({
        kind: one.kind, id: one.deviceId, label: one.label, chosen: one.deviceId === used[one.kind],
      }));
  }

  // Uses another device from now on; returns the new track when it is a microphone.
  async use(kind, id) {
    if (kind === "audiooutput") {
      await this.#speakTo(id);
      keep(kind, id);
      return null;
    }
    const muted = this.stream?.getAudioTracks()[0]?.enabled === false;
    let fresh;
    try { fresh = await this.#ask(id); } catch (error) { throw new MicrophoneRefused(error); }
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = fresh;
    this.mute(muted);
    this.#watch();
    keep(kind, id);
    return fresh.getAudioTracks()[0];
  }

  async #speakTo(id) {
    if (!id || !this.speaker.setSinkId) return;
    try { await this.speaker.setSinkId(id); } catch { /* gone: the system's own speaker will do */ }
  }

  close() {
    this.hush();
    this.meters.microphone?.close();
    delete this.meters.microphone;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }
}
