// A button whose press is not yet answered takes no other, and says so to screen readers as well.
export const isBusy = (button) => button?.getAttribute("aria-busy") === "true";
export function busy(button, on) {
  for (const name of ["aria-busy", "aria-disabled"]) {
    if (on) button?.setAttribute(name, "true");
    else button?.removeAttribute(name);
  }
}
