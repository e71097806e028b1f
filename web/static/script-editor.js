// The campaign form: shows what the chosen method asks for, and edits the rows of the script.

const form = document.querySelector("form.fields");
const method = form?.querySelector("[data-method]");

function fit() {
  const attended = method.value !== "unattended";
  for (const field of form.querySelectorAll("[data-methods]")) {
    field.hidden = !field.dataset.methods.split(" ").includes(method.value);
  }
  for (const field of form.querySelectorAll("[data-attended]")) field.hidden = !attended;
}

function fitRow(row) {
  const kind = row.querySelector('[name="script.kind"]').value;
  for (const field of row.querySelectorAll(".asks")) field.hidden = kind === "sentence";
  for (const field of row.querySelectorAll(".closed")) field.hidden = !kind.startsWith("choice");
}

function number() {
  for (const [place, row] of form.querySelectorAll("[data-rows] [data-row]").entries()) {
    row.querySelector("[data-place]").textContent = place + 1;
    fitRow(row);
  }
}

const change = {
  add: () => {
    const row = form.querySelector("[data-row-new]").content.firstElementChild.cloneNode(true);
    form.querySelector("[data-rows]").append(row);
    return row.querySelector("select");
  },
  up: (row) => { row.previousElementSibling?.before(row); },
  down: (row) => { row.nextElementSibling?.after(row); },
  remove: (row) => {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    return next?.querySelector("select") ?? form.querySelector('[data-row-do="add"]');
  },
};

if (method) {
  method.addEventListener("change", fit);
  form.addEventListener("change", (event) => {
    if (event.target.name === "script.kind") fitRow(event.target.closest("[data-row]"));
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-row-do]");
    if (!button) return;
    const focus = change[button.dataset.rowDo](button.closest("[data-row]"));
    number();
    (focus ?? button).focus();
  });
  fit();
  number();
  // A field that is wrong is shown, whatever the method.
  for (const wrong of form.querySelectorAll('[aria-invalid="true"]')) {
    const field = wrong.closest("[hidden]");
    if (field) field.hidden = false;
  }
}
