// The call script: which elements are shown after the answers so far, as
// callcamp/core/script_answers.py decides it.

import { make } from "./parts.js";

export const BETWEEN = "; ";
export const LINE_BETWEEN = " / ";

export const chosen = (answer) => answer.split(";").map((one) => one.trim()).filter(Boolean);

function values(element, answers) {
  const answer = answers[element.name] ?? "";
  if (element.kind === "checkbox") return [answer === "yes" ? "yes" : "no"];
  return element.kind === "choices" ? chosen(answer) : [answer];
}

export function shown(elements, answers) {
  const asked = new Map();
  const visible = new Set();
  elements.forEach((element, index) => {
    if (element.show_if) {
      const before = asked.get(element.show_if.name);
      if (!before) return;
      if (!values(before, answers).some((one) => element.show_if.values.includes(one))) return;
    }
    if (element.name) asked.set(element.name, element);
    visible.add(index);
  });
  return visible;
}

export function isMissing(element, answer) {
  if (!element.required) return false;
  return element.kind === "checkbox" ? answer !== "yes" : !answer.trim();
}

const oneLine = (text) => text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean).join(LINE_BETWEEN);

// One element: its node, how its answer is read and how one is put in.
export function field(element, index) {
  const id = `s-${index}`;
  const name = `s-${element.name || index}`;
  const star = element.required ? make("span", { className: "a-must", title: "needed" }, " *") : null;
  if (element.kind === "sentence") {
    return { node: make("p", { className: "a-say" }, element.text), read: () => "", write: () => {} };
  }
  if (element.kind === "checkbox") {
    const input = make("input", { type: "checkbox", id });
    const node = make("div", { className: "a-ask" },
      make("label", { className: "check", htmlFor: id }, input, element.text, star));
    return {
      node,
      input,
      read: () => (input.checked ? "yes" : "no"),
      write: (answer) => { input.checked = answer === "yes"; },
    };
  }
  if (element.kind === "choice" || element.kind === "choices") {
    const type = element.kind === "choice" ? "radio" : "checkbox";
    const inputs = element.options.map((option, n) => make("input", { type, name, value: option, id: `${id}-${n}` }));
    const labels = inputs.map((input) => make("label", { className: "a-option", htmlFor: input.id }, input, input.value));
    const node = make("fieldset", { className: "a-ask" }, make("legend", {}, element.text, star),
      make("div", { className: "a-choices" }, ...labels));
    return {
      node,
      input: inputs[0],
      read: () => inputs.filter((one) => one.checked).map((one) => one.value).join(BETWEEN),
      write: (answer) => {
        const wanted = element.kind === "choice" ? [answer] : chosen(answer);
        for (const input of inputs) input.checked = wanted.includes(input.value);
      },
    };
  }
  const input = element.kind === "long_text"
    ? make("textarea", { id, rows: 3, maxLength: 600 })
    : make("input", { id, maxLength: 300, autocomplete: "off" });
  const node = make("div", { className: "a-ask" }, make("label", { htmlFor: id }, element.text, star), input);
  return {
    node,
    input,
    read: () => oneLine(input.value),
    write: (answer) => {
      if (oneLine(input.value) !== answer) input.value = answer.split(LINE_BETWEEN).join(element.kind === "long_text" ? "\n" : LINE_BETWEEN);
    },
  };
}
