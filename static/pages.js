// The administration pages: questions are asked over the page instead of on a page of their own; all at once; copying.
(() => {
  "use strict";

  // Whatever leads to a question works without this script, too: then the question is a page.
  let asking = false;
  const ask = async (address) => {
    if (asking) return;
    asking = true;
    const asker = document.activeElement;
    let page;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      page = answer.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    } catch {
      page = null;
    }
    asking = false;
    const question = page?.querySelector(".confirm");
    if (!question) {
      location.assign(address);
      return;
    }
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", question.querySelector("h1").id);
    dialog.append(document.adoptNode(question));
    dialog.addEventListener("close", () => {
      dialog.remove();
      asker?.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("[data-cancels]")?.focus();
  };

  document.addEventListener("click", (event) => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    const link = event.target.closest("a[data-asks]");
    if (link && plain) {
      event.preventDefault();
      ask(link.href);
    }
    const cancel = event.target.closest("dialog [data-cancels]");
    if (cancel && plain) {
      event.preventDefault();
      cancel.closest("dialog").close();
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-asks]")) return;
    event.preventDefault();
    const address = new URL(form.action);
    address.search = new URLSearchParams(new FormData(form, event.submitter));
    ask(address);
  });

  // Pressed twice it is asked once. What the browser brings back from its memory can be pressed again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-once]") || event.defaultPrevented) return;
    if (form.dataset.sent !== undefined) event.preventDefault();
    form.dataset.sent = "";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // On a phone the page that is open may stand beyond the edge of its row.
  for (const open of document.querySelectorAll(".tabs [aria-current]")) {
    open.scrollIntoView({ block: "nearest", inline: "center" });
  }

  for (const all of document.querySelectorAll("input[data-picks]")) {
    const boxes = () => [...document.querySelectorAll(`input[name="${all.dataset.picks}"]`)];
    const show = () => {
      const picked = boxes().filter((box) => box.checked).length;
      all.checked = picked > 0 && picked === boxes().length;
      all.indeterminate = picked > 0 && !all.checked;
    };
    all.closest("label").hidden = false;
    all.addEventListener("change", () => boxes().forEach((box) => (box.checked = all.checked)));
    document.addEventListener("change", (event) => event.target.name === all.dataset.picks && show());
    show();
  }

  for (const button of document.querySelectorAll("button[data-copies]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent.trim());
      button.textContent = button.dataset.copied;
    });
  }
})();
