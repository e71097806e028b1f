// Runs before the page is drawn, unlike callcamp.js: what asks first must not go out unasked
// because somebody was quicker than the other script. It is held, and asked once that is there.
(() => {
  let held = null;
  const hold = (event) => {
    const asks = event.type === "submit"
      ? "confirm" in (event.submitter?.dataset ?? {}) || "confirm" in event.target.dataset
      : event.target.closest?.("[data-confirm-stop]");
    if (!asks) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    held = event.type === "submit"
      ? () => event.target.requestSubmit(event.submitter)
      : () => asks.click();
  };
  document.addEventListener("submit", hold, true);
  document.addEventListener("click", hold, true);
  document.addEventListener("callcamp-ready", () => {
    document.removeEventListener("submit", hold, true);
    document.removeEventListener("click", hold, true);
    held?.();
  }, { once: true });
})();
