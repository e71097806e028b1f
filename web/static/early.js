// Runs before the page is drawn, the other scripts when all of it is there. Who is quicker than
// they are loses nothing: what they would have answered is held, and done once they are there.
(() => {
  const SCRIPTED = "#act, [data-confirm], [data-progress], [data-upload]";
  const BUSY = ["aria-busy", "aria-disabled"];
  const KINDS = ["submit", "click", "change"];
  const held = new Map();
  let ready = false;

  // What was pressed and how it is done again; nothing for what works without a script.
  function meant({ type, target, submitter, ctrlKey, metaKey, shiftKey }) {
    if (type === "submit") {
      const scripted = submitter?.matches(SCRIPTED) || target.matches(SCRIPTED);
      return scripted ? [submitter ?? target, () => target.requestSubmit(submitter)] : [];
    }
    if (type === "change") {
      const again = () => target.dispatchEvent(new Event("change", { bubbles: true }));
      return target.matches("[data-submit]") ? [target, again] : [];
    }
    const pressed = target.closest?.("button[type=button], [data-confirm-stop]");
    const elsewhere = ctrlKey || metaKey || shiftKey;
    return pressed && !elsewhere ? [pressed, () => pressed.click()] : [];
  }
  function hold(event) {
    const [element, again] = meant(event);
    if (!element) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    for (const name of BUSY) element.setAttribute(name, "true");
    held.set(element, again);
  }
  // Where callcamp.js could not be loaded the browser asks: nothing goes out unasked.
  function askPlainly(event) {
    const asks = event.submitter?.dataset.confirm ? event.submitter : event.target;
    const { confirm, confirmText } = asks.dataset;
    if (confirm && !window.confirm(`${confirm}\n\n${confirmText}`)) event.preventDefault();
  }

  for (const kind of KINDS) document.addEventListener(kind, hold, true);
  document.addEventListener("callcamp-ready", () => { ready = true; });
  document.addEventListener("DOMContentLoaded", () => {
    for (const kind of KINDS) document.removeEventListener(kind, hold, true);
    if (!ready) document.addEventListener("submit", askPlainly);
    for (const [element, again] of held) {
      for (const name of BUSY) element.removeAttribute(name);
      again();
    }
  });
})();
