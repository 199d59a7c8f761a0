// The front desk's screen: hears of news, fetches the list or the conversation anew through htmx, keeps drafts, sends
// once whatever the network does. Everything works without this file too, by plain links and forms.
(() => {
  "use strict";
  const LIST_GAP_MS = 1000, POLL_MS = 5000, TYPING_MS = 5000, RETRY_UP_TO_MS = 10 * 60_000;
  const GREEN_S = 5 * 60, AMBER_S = 15 * 60;
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const inbox = $("#inbox");
  const words = $("#words").dataset;
  const say = (name, ...values) => {
    let text = words[name];
    if (values.length > 1) text = text.replace("##", () => values[1]);
    return text.replace("#", () => values[0] ?? ""); // A name may hold what `replace` takes for a sign of its own.
  };
  const shownId = () => $("#work").dataset.conversationId;
  const log = () => $("#log");
  const csrf = () => $("meta[name=csrf-token]").content;
  const clock = (at) => new Intl.DateTimeFormat("es", { hour: "2-digit", minute: "2-digit", timeZone: inbox.dataset.zone }).format(at);

  // ---- what is kept in this window: drafts and what could not be sent yet, by person and conversation

  const store = {
    key: (kind, id) => `${kind}:${inbox.dataset.me}:${id}`,
    read(kind, id) {
      try { return JSON.parse(sessionStorage.getItem(this.key(kind, id))); } catch { return null; }
    },
    write(kind, id, value) {
      try {
        if (value && (value.length || Object.keys(value).length)) sessionStorage.setItem(this.key(kind, id), JSON.stringify(value));
        else sessionStorage.removeItem(this.key(kind, id));
      } catch { /* A full or forbidden storage costs the draft after a reload, nothing else. */ }
    },
  };
  const newId = () => crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) => (+c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (+c / 4)))).toString(16));

  const closeMenus = () => $$("details.menu[open]").forEach((menu) => { menu.open = false; });

  // ---- times that go on by themselves

  function duration(seconds) {
    seconds = Math.max(0, Math.floor(seconds));
    if (seconds < 3600) return say("min", Math.floor(seconds / 60));
    if (seconds < 86400) {
      const minutes = Math.floor((seconds % 3600) / 60);
      return minutes ? say("hourMin", Math.floor(seconds / 3600), minutes) : say("hour", Math.floor(seconds / 3600));
    }
    return say("days", Math.floor(seconds / 86400));
  }
  const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  function tick() {
    const now = Date.now();
    for (const each of $$("[data-since]")) {
      const seconds = (now - Date.parse(each.dataset.since)) / 1000;
      put(each, duration(seconds));
      const tone = seconds < GREEN_S ? "good" : seconds < AMBER_S ? "warn" : "bad";
      const badge = each.closest(".wait");
      if (!badge.classList.contains(tone)) {
        badge.classList.remove("good", "warn", "bad");
        badge.classList.add(tone);
      }
    }
    for (const each of $$("[data-until]")) {
      const seconds = (Date.parse(each.dataset.until) - now) / 1000;
      if (seconds <= 0) {
        put(each, say("over"));
        if (seconds > -2) work.refresh();
      } else put(each, "exact" in each.dataset ? `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}` : duration(seconds));
      each.closest(".window")?.classList.toggle("soon", seconds < 7200);
      const aside = each.closest("[data-within]");
      if (aside) aside.hidden = seconds > aside.dataset.within;
    }
  }

  // ---- fetching parts anew: one of each at a time, and not too often

  let lastGood = Date.now();
  class Part {
    constructor(id, gap, address) {
      Object.assign(this, { id, gap, address, busy: false, again: false, last: 0 });
    }
    refresh() {
      if (this.busy || this.timer) {
        this.again = this.busy;
        return;
      }
      this.timer = setTimeout(() => this.fetch(), Math.max(30, this.last + this.gap - Date.now()));
    }
    async fetch() {
      this.timer = undefined;
      const element = document.getElementById(this.id), address = this.address();
      if (!element || !address) return;
      Object.assign(this, { busy: true, again: false, last: Date.now() });
      try {
        await get(address, element, { "X-By-Itself": "1" });
      } finally {
        this.busy = false;
        if (this.again) this.refresh();
      }
    }
  }
  // The server makes only the part that is named as the target.
  const get = (address, target, headers) => htmx.ajax("GET", address, {
    source: target, target, swap: "outerMorph", headers: { ...headers, "HX-Target": `${target.localName}#${target.id}` },
  });
  const here = () => location.pathname + location.search;
  const wantedId = () => location.pathname.match(/\/(\d+)$/)?.[1] ?? shownId();
  const withPages = () => {
    const url = new URL(location.href);
    if (pages > 1) url.searchParams.set("pages", pages);
    url.searchParams.delete("after");
    if (!shownId()) url.pathname = inbox.dataset.index;
    return url.pathname + url.search;
  };
  let pages = 1;
  const list = new Part("list", LIST_GAP_MS, withPages);
  const shown = () => shownId() && `${inbox.dataset.index}/${wantedId()}${location.search}`;
  const work = new Part("work", 250, () => !opening && !$("#newer") && shown());
  const presence = new Part("presence", 300, shown);
  const everything = () => { list.refresh(); work.refresh(); };

  // ---- news: a stream, and polling while there is none

  let source, streams = [], poller, leaving = false, reopening;
  const endBefore = (news) => streams.splice(0, Math.max(0, streams.indexOf(news))).forEach((each) => each.close());
  function poll(on) {
    if (on) poller ??= setInterval(everything, POLL_MS);
    else poller = clearInterval(poller);
  }
  // Another conversation is another stream. Those before are heard until the new one is open, so nothing is missed.
  function listen(delay = 0) {
    clearTimeout(reopening);
    reopening = setTimeout(() => {
      const id = shownId(), heard = streams.some((each) => each.readyState === EventSource.OPEN);
      const news = source = new EventSource(inbox.dataset.events + (id ? `?conversation=${id}` : ""));
      streams.push(news);
      let opened = heard;
      news.addEventListener("open", () => {
        endBefore(news);
        poll(false);
        if (!opened) everything(); // Whatever happened while nobody listened.
        opened = false;
      });
      news.addEventListener("changed", (event) => {
        list.refresh();
        if (event.data.split(" ").includes(shownId())) work.refresh();
      });
      news.addEventListener("presence", (event) => event.data === shownId() && presence.refresh());
      news.addEventListener("again", () => { poll(false); everything(); });
      news.addEventListener("deaf", () => poll(true));
      news.addEventListener("bye", () => { news.close(); everything(); });
      news.addEventListener("error", () => {
        if (leaving || news !== source) return;
        endBefore(news);
        poll(true);
        if (news.readyState === EventSource.CLOSED) listen(POLL_MS);
      });
    }, delay);
  }

  // ---- the banner: what is wrong, and since when what one sees is old

  const notice = $("#notice");
  let failing;
  function tell(what, ...values) {
    failing = what;
    const text = what ? say(what, ...values) : "";
    if (notice.dataset.said === text) return;
    notice.dataset.said = text;
    notice.textContent = text;
    if (what === "signedOut" || what === "stale") {
      const link = document.createElement("a");
      link.href = what === "stale" ? here() : `/login?next=${encodeURIComponent(here())}`;
      link.textContent = say(what === "stale" ? "reload" : "signIn");
      notice.append(" ", link);
    }
    notice.hidden = !text;
  }
  const offline = () => tell("offline", clock(lastGood));

  document.addEventListener("htmx:error", (event) => event.detail.ctx && offline());
  // Of error answers only our own page is shown, with what is wrong at its place; a proxy's or a stranger's never is.
  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = event.detail;
    if (tellsWhy(ctx.text)) return;
    ctx.swap = "none";
    trouble(ctx.response.status);
  });
  const tellsWhy = (html) => html.includes('id="thread"');
  function trouble(status) {
    if (status === 400) tell("stale");
    else if (status === 401) { tell("signedOut"); streams.forEach((each) => each.close()); poll(false); }
    else if (status === 429) tell("limited");
    else if (status >= 502 && status <= 504) offline();
    else tell("failed");
  }
  document.addEventListener("htmx:config:request", (event) => {
    if (event.detail.ctx.request.method !== "GET") closeMenus();
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { response, request } = event.detail.ctx;
    if (response.status >= 400) return;
    lastGood = Date.now();
    if (request.method !== "GET") list.refresh();
    if (failing) { tell(""); outbox.flush(); }
  });

  // ---- before and after a part is swapped: nothing that somebody does is lost

  let stick = true, lastSeen, openedAnew = false, newBelow = false;
  const gap = () => log().scrollHeight - log().scrollTop - log().clientHeight;

  document.addEventListener("htmx:before:swap", (event) => {
    // What comes late, of a conversation that is not looked at any more, is not shown.
    const of = event.detail.tasks.map((task) => task.fragment?.querySelector?.("#thread")?.dataset.conversationId).find(Boolean);
    if (of && of !== wantedId()) { event.preventDefault(); return; }
    if (log()) stick = openedAnew || reading;
    for (const task of event.detail.tasks) if (task.fragment?.querySelector?.("#items")) keep(task.fragment);
  });

  // The server tells the latest page. What was loaded before it stays, and so does what is still being sent.
  function keep(fragment) {
    const section = fragment.querySelector("#thread"), items = fragment.querySelector("#items"), now = $("#items");
    const id = section?.dataset.conversationId;
    if (!now || id !== $("#thread").dataset.conversationId) {
      outbox.show(items, id);
      return;
    }
    keepQuote(fragment);
    const first = $$("li[id]", items).find((li) => !li.id.startsWith("day-"));
    const same = first && document.getElementById(first.id);
    if (same && !fragment.querySelector("#newer")) {
      const before = [];
      for (let li = same.previousElementSibling; li; li = li.previousElementSibling) before.unshift(li);
      const days = new Set(before.map((li) => li.id));
      for (const li of $$(".day", items)) if (days.has(li.id) && before.some((kept) => !kept.matches(".day"))) li.remove();
      const kept = before.filter((li) => !items.querySelector(`[id="${li.id}"]`)).map((li) => items.ownerDocument.importNode(li, true));
      if (kept.some((li) => !li.matches(".day"))) {
        items.prepend(...kept);
        const older = fragment.querySelector("#older"), shown = $("#older");
        older?.remove();
        if (shown) fragment.querySelector("#log").prepend(items.ownerDocument.importNode(shown, true));
      }
    }
    outbox.show(items, id);
  }

  // Which message the half-typed reply answers, only this page knows.
  function keepQuote(fragment) {
    const form = $("form.reply"), next = $("form.reply", fragment), quoted = form?.elements.quoted?.value;
    if (!quoted || !next) return;
    $("[name=quoted]", next).setAttribute("value", quoted);
    $(".quoting-words", next).textContent = $(".quoting-words", form).textContent;
    $(".quoting", next).hidden = false;
  }

  document.addEventListener("htmx:after:swap", () => {
    settle();
  });

  function settle() {
    drafts.restore();
    tick();
    count();
    watchEnds();
    const bottom = log();
    if (bottom) {
      const newest = $("#items > li:last-child")?.id;
      if (!openedAnew && lastSeen && newest !== lastSeen && $("#items > li:last-child").matches(".guest")) put($("#said"), say("wrote", $("#thread").dataset.name));
      newBelow = !openedAnew && !stick && (newBelow || newest !== lastSeen);
      if (openedAnew || stick) reading = true;
      sizes.disconnect();
      sizes.observe(bottom);
      toBottom();
      $("#new-below").hidden = !newBelow;
      lastSeen = newest;
      $("#thread").style.setProperty("--composer", `${$("#composer").offsetHeight + $("#presence").offsetHeight}px`);
    }
    openedAnew = false;
    const writing = $("#presence.is-writing");
    if (writing) { clearTimeout(settle.later); settle.later = setTimeout(() => presence.refresh(), 13_000); }
  }

  // Who reads the newest goes on seeing it when a photo has loaded, or something below grows.
  let reading = true;
  document.addEventListener("scroll", (event) => {
    if (event.target.id !== "log") return;
    reading = gap() < 80;
    if (reading) newBelow = !($("#new-below").hidden = true);
  }, true);
  const toBottom = () => { if (reading && log()) log().scrollTop = log().scrollHeight; };
  document.addEventListener("load", (event) => event.target.closest?.("#items") && toBottom(), true);
  const sizes = new ResizeObserver(toBottom);

  // ---- opening a conversation without leaving the page

  // While a conversation is on its way no letter is an order, since it would be about the one before.
  let opening, writeThen;
  // It could not be fetched: the list and the address say again whose conversation stands here.
  function stay() {
    const path = shownId() ? `${inbox.dataset.index}/${shownId()}` : inbox.dataset.index;
    history.replaceState({ inbox: true }, "", path + location.search);
    mark(path);
    writeThen = undefined;
  }
  async function open(href, { how = "pushState", screen } = {}) {
    const url = new URL(href, location.href);
    closeMenus();
    clearTimeout(move.later);
    typing(false); // Colleagues need not wait for somebody who has gone.
    inbox.dataset.screen = screen ?? (url.pathname === inbox.dataset.index ? "list" : url.searchParams.get("show") === "guest" ? "guest" : "thread");
    mark(url.pathname);
    if (how) history[how]({ inbox: true }, "", url);
    if (url.pathname === inbox.dataset.index) return;
    openedAnew = true;
    inbox.classList.add("is-opening");
    $("#work").inert = wantedId() !== shownId(); // What is typed now must not go to the guest before.
    $("#work").setAttribute("hx-sync", "this:replace"); // The latest click counts.
    const mine = opening = get(url.pathname + url.search, $("#work"));
    try { await mine; } finally {
      if (opening === mine) {
        opening = undefined;
        inbox.classList.remove("is-opening");
        $("#work").inert = false;
        if (wantedId() !== shownId()) stay();
      }
    }
    if (opening || wantedId() !== shownId()) return;
    if (writeThen) write(writeThen);
    writeThen = undefined;
    listen(300);
    document.title = document.title.replace(/^(\(\d+\) )?[^·]*/, (_, waiting) => `${waiting ?? ""}${$("#thread").dataset.name ?? ""} `);
  }
  function mark(path) {
    for (const link of $$(".line > a")) {
      if (new URL(link.href).pathname === path) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
  function filter(href, { push = true } = {}) {
    pages = 1;
    const url = new URL(href, location.href), target = new URL(location.href);
    for (const name of ["view", "q"]) url.searchParams.get(name) ? target.searchParams.set(name, url.searchParams.get(name)) : target.searchParams.delete(name);
    target.searchParams.delete("after");
    history[push ? "pushState" : "replaceState"]({ inbox: true }, "", target);
    $("#list-scroll").scrollTop = 0;
    list.last = 0;
    list.refresh();
  }
  window.addEventListener("popstate", () => {
    list.last = 0;
    list.refresh();
    const id = location.pathname.match(/\/(\d+)$/)?.[1];
    if (id) open(location.href, { how: null });
    else inbox.dataset.screen = "list";
  });

  const plainClick = (event) => !event.defaultPrevented && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  document.addEventListener("click", (event) => {
    if (!plainClick(event)) return;
    const on = (selector) => event.target.closest?.(selector);
    const link = on(".line > a") || on("[data-back]") || on("[data-show]");
    if (link) {
      event.preventDefault();
      if (link.matches("[data-show]")) {
        inbox.dataset.screen = link.dataset.show;
        history.replaceState(history.state, "", link.href);
        if (link.dataset.show === "thread") return;
        $(".card-head .back").focus();
      } else open(link.href);
    } else if (on(".tabs a")) {
      event.preventDefault();
      for (const each of $$(".tabs a")) each.removeAttribute("aria-current");
      on(".tabs a").setAttribute("aria-current", "page");
      filter(on(".tabs a").href);
    } else if (on("#more a")) {
      event.preventDefault();
      more();
    } else if (on("#older a")) {
      event.preventDefault();
      older();
    } else if (on("#new-below")) {
      log().scrollTo({ top: log().scrollHeight, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    } else if (on(".answer-this")) {
      event.preventDefault();
      quote(on(".answer-this").closest(".bubble"));
    } else if (on("[data-unquote]")) {
      event.preventDefault();
      unquote();
    } else if (on("[data-canned]")) {
      event.preventDefault();
      canned.open();
    } else if (on(".canned-list a")) {
      event.preventDefault();
      canned.use(on(".canned-list a"));
    } else if (on(".quote")) {
      event.preventDefault();
      document.getElementById(on(".quote").hash.slice(1))?.scrollIntoView({ block: "center", behavior: "smooth" });
    } else if (on("[data-again]")) outbox.again(on(".pending").dataset.clientId);
    else if (on("[data-discard]")) outbox.back(on(".pending").dataset.clientId);
    else if (on("[data-help]")) $("#keys").showModal();
    else if (event.target.matches?.("dialog")) event.target.close();
  });

  // ---- more of the list, and of what was said before

  let loadingMore = false, loadingOlder = false;
  async function page(href, target) {
    const answer = await fetch(href, { headers: { "HX-Request": "true", "HX-Target": `section#${target}` } });
    if (!answer.ok) { trouble(answer.status); return null; }
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }
  async function more() {
    const link = $("#more a");
    if (!link || loadingMore) return;
    loadingMore = true;
    try {
      const next = await page(link.href, "list");
      if (!next) return;
      const shown = new Set($$("#lines > li").map((li) => li.id));
      $("#lines").append(...$$("#lines > li", next).filter((li) => !shown.has(li.id)));
      const following = $("#more", next);
      following ? $("#more").replaceWith(following) : $("#more").remove();
      pages += 1;
      mark(location.pathname);
    } catch { offline(); } finally { loadingMore = false; watchEnds(); }
  }
  async function older() {
    const link = $("#older a");
    if (!link || loadingOlder) return;
    loadingOlder = true;
    try {
      const before = await page(link.href, "work");
      if (!before) return;
      const items = $("#items"), height = log().scrollHeight, top = log().scrollTop;
      const added = $$("#items > li", before), days = new Set(added.map((li) => li.id));
      const first = items.firstElementChild;
      if (first?.matches(".day") && days.has(first.id)) first.remove();
      items.prepend(...added.filter((li) => !document.getElementById(li.id)));
      const earlier = $("#older", before);
      earlier ? $("#older").replaceWith(earlier) : $("#older").remove();
      log().scrollTop = top + log().scrollHeight - height;
    } catch { offline(); } finally { loadingOlder = false; watchEnds(); }
  }
  // A little before the end comes into sight, what follows it is fetched.
  let ends = [];
  function watchEnds() {
    ends.forEach((each) => each.disconnect());
    ends = [["#more", "#list-scroll", more], ["#older", "#log", older]].map(([end, root, load]) => {
      const observer = new IntersectionObserver((seen) => seen.at(-1).isIntersecting && load(), { root: $(root), rootMargin: "400px 0px" });
      if ($(end)) observer.observe($(end));
      return observer;
    });
  }

  // ---- search as one types

  let searching;
  document.addEventListener("input", (event) => {
    if (event.target.id === "q") {
      clearTimeout(searching);
      searching = setTimeout(() => filter(`?${new URLSearchParams({ view: $("#list").dataset.view, q: event.target.value })}`, { push: false }), 250);
    } else if (event.target.id === "canned-q") canned.filter(event.target.value);
    else if (event.target.form?.dataset.draft) { drafts.keep(event.target); grow(event.target); missing(event.target); }
  });

  // ---- drafts

  const fields = () => $$("form[data-draft] textarea");
  const drafts = {
    keep(field) {
      const id = field.form.id.match(/\d+$/)[0], kept = store.read("draft", id) ?? {};
      const kind = field.form.dataset.draft;
      if (field.value) kept[kind] = field.value; else delete kept[kind];
      store.write("draft", id, kept);
      if (kind === "reply") typing(field.value !== "");
    },
    restore() {
      const kept = store.read("draft", shownId()) ?? {};
      for (const field of fields()) {
        const text = kept[field.form.dataset.draft];
        if (text !== undefined && field.value !== text && document.activeElement !== field) field.value = text;
        else if (text === undefined && field.value && field.value === field.defaultValue) this.keep(field);
        grow(field);
        missing(field);
      }
    },
  };
  const grows = CSS.supports("field-sizing", "content");
  function grow(field) {
    if (grows) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
  }
  const PLACE = /\{\{\s*([^{}]*?)\s*\}\}/g;
  function missing(field) {
    const told = $(".missing", field.form);
    if (told) put(told, [...field.value.matchAll(PLACE)].length ? say("missing", [...new Set([...field.value.matchAll(PLACE)].map((found) => found[0]))].join(", ")) : "");
  }
  function toMissing(field) {
    PLACE.lastIndex = 0;
    const found = PLACE.exec(field.value);
    PLACE.lastIndex = 0;
    if (!found) return false;
    field.focus();
    field.setSelectionRange(found.index, found.index + found[0].length);
    return true;
  }
  function put_in(field, text) {
    field.value = text;
    drafts.keep(field);
    grow(field);
    missing(field);
  }

  // ---- what one is writing, told to colleagues

  let toldAt = 0, toldWriting = false;
  function typing(writes) {
    if (!writes && !toldWriting) return;
    if (writes && Date.now() - toldAt < TYPING_MS) return;
    toldAt = writes ? Date.now() : 0;
    toldWriting = writes;
    fetch(`${inbox.dataset.index}/${shownId()}/presence`, {
      method: "POST", keepalive: true, headers: { "X-CSRFToken": csrf(), "HX-Request": "true" }, body: new URLSearchParams({ writing: writes ? "1" : "0" }),
    }).catch(() => {});
  }

  // ---- sending: the bubble stands at once; its id makes sure that the guest gets it once

  const sending = new Set(), acknowledged = new Map();
  const outbox = {
    of: (id) => store.read("outbox", id) ?? [],
    change(id, clientId, change) {
      const all = this.of(id).map((each) => (each.clientId === clientId ? change && { ...each, ...change } : each)).filter(Boolean);
      store.write("outbox", id, all);
    },
    add(message) {
      store.write("outbox", message.conversation, [...this.of(message.conversation), message]);
      this.show($("#items"), message.conversation);
      reading = true;
      toBottom();
      this.send(message);
    },
    // Puts what is not with the server yet below what is.
    show(items, id) {
      if (!items) return;
      $$(".pending", items).forEach((li) => li.remove());
      for (const message of this.of(id)) {
        if (acknowledged.has(message.clientId)) {
          if (items.querySelector(`[data-message-id="${acknowledged.get(message.clientId)}"]`)) { this.change(id, message.clientId, null); acknowledged.delete(message.clientId); }
          if (!this.of(id).some((each) => each.clientId === message.clientId)) continue;
        }
        items.append(this.bubble(message, items.ownerDocument));
      }
    },
    bubble(message, owner) {
      const li = owner.importNode($("#pending-bubble").content.firstElementChild, true);
      li.id = `pending-${message.clientId}`;
      li.dataset.clientId = message.clientId;
      $(".words", li).textContent = message.text;
      $("time", li).textContent = clock(message.at);
      if (message.why) {
        li.classList.add("unsent", "failed");
        $(".trouble", li).hidden = false;
        $(".trouble p", li).textContent = say(message.why);
        $(".tick", li).remove();
      }
      return li;
    },
    async send(message) {
      if (sending.has(message.clientId)) return;
      sending.add(message.clientId);
      this.change(message.conversation, message.clientId, { why: undefined });
      let answer;
      try {
        const body = new URLSearchParams({ text: message.text, client_id: message.clientId, quoted: message.quoted ?? "" });
        if (message.force) body.set("force", "1");
        answer = await fetch(message.action, {
          method: "POST", body, headers: { "X-CSRFToken": csrf(), "HX-Request": "true", "HX-Target": "section#thread" }, signal: AbortSignal.timeout(20_000),
        });
        const html = await answer.text();
        if (answer.ok) await this.taken(message, answer.headers.get("X-Message"), html);
        else if (tellsWhy(html)) await this.refused(message, html);
        else { this.failed(message, "notTaken"); trouble(answer.status); }
      } catch {
        this.failed(message, "notSent");
        offline();
      } finally {
        sending.delete(message.clientId);
      }
    },
    async taken(message, id, html) {
      lastGood = Date.now();
      if (failing) tell("");
      acknowledged.set(message.clientId, id);
      if (message.conversation !== shownId()) { this.change(message.conversation, message.clientId, null); return; }
      await swapThread(html);
      list.refresh();
    },
    // The words go back into the field, with the reason beside it.
    async refused(message, html) {
      this.change(message.conversation, message.clientId, null);
      const kept = store.read("draft", message.conversation) ?? {};
      const reply = [message.text, kept.reply].filter(Boolean).join("\n");
      store.write("draft", message.conversation, { ...kept, reply });
      if (message.conversation !== shownId()) return;
      await swapThread(html);
      const field = $("form.reply textarea");
      const bubble = message.quoted && document.getElementById(`m${message.quoted}`);
      if (bubble) quote(bubble);
      if (field) { put_in(field, reply); field.focus(); }
    },
    failed(message, why) {
      this.change(message.conversation, message.clientId, { why });
      if (message.conversation !== shownId()) return;
      this.show($("#items"), message.conversation);
      toBottom();
    },
    again(clientId) {
      const message = this.of(shownId()).find((each) => each.clientId === clientId);
      if (!message) return;
      this.change(shownId(), clientId, { why: undefined });
      this.show($("#items"), shownId());
      this.send({ ...message, why: undefined });
    },
    back(clientId) {
      const message = this.of(shownId()).find((each) => each.clientId === clientId), field = $("form.reply textarea");
      if (!message || !field) return;
      this.change(shownId(), clientId, null);
      this.show($("#items"), shownId());
      put_in(field, [field.value, message.text].filter(Boolean).join("\n"));
      field.focus();
    },
    // Tried again by itself while it is fresh; what is older waits for somebody to look.
    flush() {
      const prefix = store.key("outbox", "");
      for (const key of Object.keys(sessionStorage).filter((each) => each.startsWith(prefix))) {
        for (const message of this.of(key.slice(prefix.length))) {
          if (Date.now() - message.at < RETRY_UP_TO_MS && !acknowledged.has(message.clientId)) this.send(message);
        }
      }
    },
  };
  const swapThread = (html) => htmx.swap({ text: html, sourceElement: $("#thread"), target: $("#thread"), swap: "outerMorph" });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches(".search")) { event.preventDefault(); return; }
    if (form.dataset.draft === "reply") { event.preventDefault(); submitReply(form); }
    if (form.dataset.draft === "note") { event.preventDefault(); submitNote(form); }
  });

  function submitReply(form) {
    const field = $("textarea", form), text = field.value.trim();
    if (!text || toMissing(field)) return;
    const writers = $("#presence").dataset.writers, force = form.elements.force?.value;
    if (writers && !force && !form.dataset.asked) {
      form.dataset.asked = "1";
      let told = $(".problem", form);
      if (!told) { told = document.createElement("p"); told.className = "problem"; told.setAttribute("role", "alert"); form.prepend(told); }
      told.textContent = say("anyway", writers);
      $(".send", form).focus();
      return;
    }
    const asked = form.dataset.asked;
    delete form.dataset.asked;
    $(".problem", form)?.remove();
    outbox.add({ conversation: shownId(), action: form.action, clientId: newId(), text, quoted: form.elements.quoted.value, force: Boolean(force || asked), at: Date.now() });
    put_in(field, "");
    unquote();
    typing(false);
    field.focus();
  }

  async function submitNote(form) {
    const field = $("textarea", form), text = field.value.trim(), id = shownId();
    if (!text || form.dataset.busy) return;
    form.dataset.busy = "1";
    form.dataset.noteId ??= newId();
    try {
      const answer = await fetch(form.action, {
        method: "POST", body: new URLSearchParams({ note: text, client_id: form.dataset.noteId }), signal: AbortSignal.timeout(20_000),
        headers: { "X-CSRFToken": csrf(), "HX-Request": "true", "HX-Target": "section#thread" },
      });
      const html = await answer.text();
      if (answer.ok) { delete form.dataset.noteId; put_in(field, ""); reading = true; }
      if (answer.ok || answer.status === 400) { if (id === shownId()) await swapThread(html); } else trouble(answer.status);
    } catch { offline(); } finally { delete form.dataset.busy; }
  }

  // ---- answering one message in particular

  function quote(bubble) {
    const form = $("form.reply");
    if (!form?.elements.quoted) return;
    form.elements.quoted.value = bubble.dataset.messageId;
    $(".quoting-words", form).textContent = ($(".words", bubble) ?? $(".by", bubble)).textContent;
    $(".quoting", form).hidden = false;
    write("reply");
  }
  function unquote() {
    const form = $("form.reply");
    if (!form?.elements.quoted) return;
    form.elements.quoted.value = "";
    $(".quoting", form).hidden = true;
  }

  // ---- quick replies

  const canned = {
    async open() {
      const opener = $("[data-canned]");
      if (!opener) return;
      const dialog = $("#canned");
      if (!dialog.open) dialog.showModal();
      try {
        const answer = await fetch(opener.href, { headers: { "HX-Request": "true" } });
        if (!answer.ok) { dialog.close(); trouble(answer.status); return; }
        const box = new DOMParser().parseFromString(await answer.text(), "text/html");
        $("#canned-box").replaceWith($("#canned-box", box));
        this.filter("");
        $("#canned-q").focus();
      } catch { dialog.close(); offline(); }
    },
    plain: (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase(),
    links: () => $$("#canned-list a").filter((link) => !link.parentElement.hidden),
    filter(query) {
      for (const link of $$("#canned-list a")) link.parentElement.hidden = !this.plain(link.textContent).includes(this.plain(query).replace(/^\//, ""));
      this.select(0);
    },
    select(place) {
      const links = this.links();
      for (const link of $$("#canned-list a")) link.setAttribute("aria-selected", "false");
      const chosen = links[(place + links.length) % links.length];
      chosen?.setAttribute("aria-selected", "true");
      $("#canned-q").setAttribute("aria-activedescendant", chosen?.id ?? "");
      chosen?.scrollIntoView({ block: "nearest" });
    },
    move(step) {
      const links = this.links();
      this.select(links.findIndex((link) => link.getAttribute("aria-selected") === "true") + step);
    },
    use(link) {
      const field = $("form.reply textarea");
      $("#canned").close();
      if (!link || !field) return;
      put_in(field, [field.value.replace(/^\/$/, ""), link.dataset.text].filter(Boolean).join("\n"));
      field.focus();
      field.setSelectionRange(field.value.length, field.value.length);
      toMissing(field);
    },
  };

  // ---- keys

  function write(kind) {
    const id = shownId(), radio = document.getElementById(`mode-${kind}-${id}`);
    if (!radio) return;
    radio.checked = true;
    $(kind === "note" ? ".note-form textarea" : "form.reply textarea, .templates summary")?.focus();
  }
  function move(step) {
    const lines = $$(".line > a");
    if (!lines.length) return;
    const from = lines.indexOf(document.activeElement);
    const at = from >= 0 ? from : lines.findIndex((link) => link.hasAttribute("aria-current"));
    const next = lines[Math.min(lines.length - 1, Math.max(0, at + step))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    if (matchMedia("(min-width: 46.01rem)").matches) { clearTimeout(move.later); move.later = setTimeout(() => open(next.href, { how: shownId() ? "replaceState" : "pushState" }).then(() => { if (document.activeElement === document.body) next.focus(); }), 140); }
  }
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("textarea, input:not([type=radio]), select");
    if (event.target.id === "canned-q") {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); canned.move(event.key === "ArrowDown" ? 1 : -1); }
      if (event.key === "Enter") { event.preventDefault(); canned.use($("#canned-list a[aria-selected=true]")); }
      return;
    }
    if (field?.form?.dataset.draft && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      if (event.ctrlKey || event.metaKey || matchMedia("(hover: hover)").matches) { event.preventDefault(); field.form.requestSubmit(); }
      return;
    }
    if (field?.form?.dataset.draft === "reply" && event.key === "/" && !field.value) { event.preventDefault(); canned.open(); return; }
    if (event.key === "Escape" && field && !$("dialog[open]")) { field.blur(); log()?.focus(); return; }
    if (field || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    const press = (selector) => { const button = $(selector); if (button) { event.preventDefault(); button.click(); } };
    const keys = {
      j: () => move(1), k: () => move(-1),
      r: () => write("reply"), n: () => write("note"),
      e: () => ($("#thread[data-urgent]") ? $("[data-action=close]")?.focus() : press("[data-action=close]")), t: () => press(".verbs [data-action=takeover], .verbs .strong"),
      "/": () => $("#q").focus(), "?": () => $("#keys").showModal(),
    };
    if (opening && !["j", "k", "/", "?"].includes(event.key)) {
      if (event.key === "r" || event.key === "n") writeThen = event.key === "n" ? "note" : "reply";
      if (event.key.length === 1) event.preventDefault();
      return;
    }
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  // ---- who waits anew: the title, a sound, a notification, a word for those who do not see

  let known = new Set(), counted;
  function count() {
    const { waiting, view } = $("#list").dataset;
    const title = document.title.replace(/^\(\d+\) /, "");
    document.title = Number(waiting) ? `(${waiting}) ${title}` : title;
    const lines = new Map($$(".line[data-waits]:not([data-waits=''])").map((li) => [`${li.dataset.conversationId} ${li.dataset.waits} ${li.dataset.alarm} ${li.dataset.mine}`, li]));
    const before = known, scope = `${view} ${$("#q").value} ${pages}`;
    const same = counted === scope, begun = counted !== undefined; // In another view there is much that is new only to this page.
    known = new Set([...known, ...lines.keys()]);
    counted = scope;
    // An alarm is told wherever one looks, and again when its guest writes again.
    const fresh = [...lines].filter(([key, li]) => !before.has(key) && (same || (begun && isAlarm(li)))).map(([, li]) => li);
    if (!fresh.length) return;
    put($("#said"), say("waits", namesOf(fresh)));
    if (!fresh.some((li) => isAlarm(li) || li.dataset.mine === "yes" || li.closest("#pinned") || view === "waiting")) return;
    chime();
    // Each alarm is a notification of its own: one must not take the place of another.
    const alarms = new Map(fresh.filter(isAlarm).map((li) => [li.dataset.conversationId, li])), calm = fresh.filter((li) => !isAlarm(li));
    for (const [id, li] of alarms) notifyOf([li], `alarm-${id}`);
    if (calm.length) notifyOf(calm, "waiting");
  }
  const isAlarm = (li) => li.matches(".urgent");
  const namesOf = (lines) => [...new Set(lines.map((li) => $("strong", li).textContent))].join(", ");
  function notifyOf(lines, tag) {
    if (!document.hidden || window.Notification?.permission !== "granted") return;
    const told = new Notification(say("waits", namesOf(lines)), { tag, renotify: true, icon: $("link[rel=icon]").href, body: inbox.dataset.hotel });
    told.onclick = () => { window.focus(); told.close(); };
  }

  // A short chime of two notes; browsers allow it once somebody has touched the page.
  let audio;
  for (const touch of ["pointerdown", "keydown"]) {
    document.addEventListener(touch, () => { if (inbox.dataset.sound === "on") audio ??= new AudioContext(); }, { once: true });
  }
  function chime() {
    if (!audio || inbox.dataset.sound !== "on") return;
    for (const [note, after] of [[659.3, 0], [987.8, 0.16]]) {
      const tone = audio.createOscillator(), loudness = audio.createGain(), start = audio.currentTime + after;
      tone.type = "triangle";
      tone.frequency.value = note;
      loudness.gain.setValueAtTime(0, start);
      loudness.gain.linearRampToValueAtTime(0.28, start + 0.015);
      loudness.gain.exponentialRampToValueAtTime(0.001, start + 0.7);
      tone.connect(loudness).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.75);
    }
  }
  const notify = $("#notify");
  if (window.Notification?.permission === "default") {
    notify.hidden = false;
    notify.addEventListener("click", async () => { notify.hidden = (await Notification.requestPermission()) !== "default"; });
  }
  $("[data-help]").hidden = false;

  // ---- coming and going

  document.addEventListener("visibilitychange", () => { if (!document.hidden && (failing || source?.readyState !== EventSource.OPEN)) everything(); });
  window.addEventListener("online", () => { listen(); everything(); outbox.flush(); });
  window.addEventListener("offline", offline);
  window.addEventListener("pagehide", () => { leaving = true; typing(false); streams.forEach((each) => each.close()); });
  window.addEventListener("pageshow", (event) => { leaving = false; if (event.persisted) { listen(); everything(); } });

  openedAnew = !location.hash.startsWith("#m");
  outbox.show($("#items"), shownId());
  settle();
  listen();
  outbox.flush();
  setInterval(tick, 1000);
})();
