// One tab holds an agent's phone: a call that two tabs answer is heard in the wrong one.

const PATIENCE_MS = 1500;

export class Tab {
  #name = "";
  #release = null;
  #waiting = null;

  // Becomes the tab that has the phone. False: another tab has it, and keeps it.
  // `lost` is called when yet another one takes it away later.
  take({ whose, steal = false, lost }) {
    this.drop();
    this.#name = `callcamp-phone ${whose}`;
    return new Promise((resolve) => {
      // A page that is being reloaded gives the phone back a moment later.
      const options = steal ? { steal: true } : { signal: AbortSignal.timeout(PATIENCE_MS) };
      let mine = null;
      navigator.locks.request(this.#name, options, () => new Promise((release) => {
        mine = release;
        this.#release = release;
        resolve(true);
      })).catch(() => {
        if (mine === null) resolve(false);
        else if (this.#release === mine) { this.#release = null; lost(); }
      });
    });
  }

  // Calls `free` once no tab has the phone any more.
  wait(free) {
    this.#waiting?.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    navigator.locks.request(this.#name, { signal: waiting.signal }, () => undefined).then(
      () => { if (this.#waiting === waiting) free(); },
      () => { /* nobody waits any more */ },
    );
  }

  drop() {
    this.#waiting?.abort();
    this.#waiting = null;
    const release = this.#release;
    this.#release = null;
    release?.();
  }
}
