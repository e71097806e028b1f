// Small parts that the agent page is made of. Texts go in as texts, never as markup.

export const byId = (id) => document.getElementById(id);

export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(element.dataset, value);
    else if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function say(id, text) {
  const element = byId(id);
  if (element && element.textContent !== text) element.textContent = text;
}

export function show(id, visible) {
  const element = byId(id);
  if (element && element.hidden === visible) element.hidden = !visible;
}

export function lasting(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  const [hours, minutes, rest] = parts;
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export function toast(text) {
  const line = make("p", {}, text);
  byId("toast").replaceChildren(line);
  setTimeout(() => line.remove(), 8000);
}

export const announce = (text) => { byId("announcer").textContent = text; };
