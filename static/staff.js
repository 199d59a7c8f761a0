// A password may be looked at while it is typed; it is hidden again before it is sent.
(() => {
  "use strict";
  for (const button of document.querySelectorAll("button[data-shows]")) {
    const field = document.getElementById(button.dataset.shows);
    const show = (visible) => {
      field.type = visible ? "text" : "password";
      button.setAttribute("aria-pressed", String(visible));
    };
    button.hidden = false;
    button.addEventListener("click", () => show(field.type === "password"));
    field.form.addEventListener("submit", () => show(false));
  }
})();
