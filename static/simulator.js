// The phone in the browser: hears of news, fetches the screen anew through htmx, says what was seen.
// Everything works without this file too, by reloading.
(() => {
  "use strict";
  const POLL_MS = 2000;
  const screen = () => document.getElementById("screen");
  const thread = () => document.getElementById("thread");
  const text = () => document.getElementById("text");
  const notice = document.getElementById("notice");

  let soon, poller, typingEnds, source;
  let atBottom = true;
  let unsent = "";

  // Several news at once are one fetch.
  function refresh() {
    clearTimeout(soon);
    soon = setTimeout(() => htmx.trigger(screen(), "refresh"), 60);
  }

  function tell(what) {
    const words = what ? notice.dataset[what] : "";
    if (notice.textContent !== words) notice.textContent = words;
    notice.hidden = !words;
  }

  // ---- news: a stream, and polling while there is none

  function listen() {
    source = new EventSource(screen().dataset.events);
    source.addEventListener("open", () => {
      clearInterval(poller);
      poller = undefined;
      refresh(); // Whatever happened while nobody listened.
    });
    source.addEventListener("change", refresh);
    source.addEventListener("error", () => {
      poller ??= setInterval(refresh, POLL_MS);
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, POLL_MS);
    });
  }

  // ---- after each change of the screen

  function settle() {
    if (atBottom) thread().scrollTop = thread().scrollHeight;
    clearTimeout(typingEnds);
    const typing = Number(screen().dataset.typing);
    if (typing) typingEnds = setTimeout(refresh, typing + 100);
    see();
  }

  function isShown() {
    return document.visibilityState === "visible" && thread().offsetParent !== null;
  }

  let telling = false;
  async function see() {
    if (telling || !isShown() || Number(screen().dataset.unread) === 0) return;
    telling = true;
    try {
      const body = new URLSearchParams({ hotel: screen().dataset.hotel, "no-page": "1" });
      const answer = await fetch(screen().dataset.seen, { method: "POST", body });
      if (answer.ok) refresh();
    } catch {
      // The next change of the screen tells it again.
    } finally {
      telling = false;
    }
  }

  // ---- htmx: what was typed leaves the field at once and comes back when it could not be sent

  const isWriting = (event) => event.detail.ctx.sourceElement.id === "write";
  const isRefresh = (event) => event.detail.ctx.sourceElement.id === "screen";

  document.addEventListener("htmx:config:request", (event) => {
    if (isRefresh(event)) return;
    atBottom = true;
    if (isWriting(event)) {
      unsent = text().value;
      text().value = "";
    }
    for (const open of document.querySelectorAll(".attach[open], .list[open]")) open.open = false;
  });

  document.addEventListener("htmx:before:swap", () => {
    const gap = thread().scrollHeight - thread().scrollTop - thread().clientHeight;
    atBottom = atBottom || gap < 120;
  });

  document.addEventListener("htmx:after:swap", () => {
    tell("");
    settle();
    atBottom = false;
  });

  function failed(event, why) {
    if (isWriting(event) && !text().value) text().value = unsent;
    tell(isRefresh(event) ? "stale" : why);
  }
  document.addEventListener("htmx:error", (event) => event.detail.ctx && failed(event, "offline"));
  document.addEventListener("htmx:response:error", (event) => failed(event, "refused"));

  // ---- keys and small things

  document.addEventListener("keydown", (event) => {
    if (event.target.id === "text" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (event.target.value.trim()) event.target.form.requestSubmit();
    }
    if (event.key === "Escape") {
      for (const open of document.querySelectorAll(".attach[open], .list[open]")) {
        open.open = false;
        open.querySelector("summary").focus();
      }
    }
  });

  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll(".attach[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });

  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
  window.addEventListener("online", refresh);
  window.addEventListener("offline", () => tell("stale"));
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => event.persisted && listen());
  matchMedia("(min-width: 56rem)").addEventListener("change", settle);

  settle();
  atBottom = false;
  listen();
})();
