// The tape chart: arrow keys from room to room and night to night, free nights to book, the clocks of holds.
// Without this script every bar is a link and every booking has its page.
(() => {
  "use strict";
  const box = document.getElementById("tape");
  if (!box) return;
  const table = () => box.querySelector("table");
  const rows = () => [...box.querySelectorAll("tr[data-room]")];

  // ---- where one is: a row, and a night in it. A bar is one place, however many nights it has.

  let at = { room: 0, night: 0 };
  let picked = null; // { row, from, to }: free nights of one room, both included.
  const width = (cell) => cell.colSpan || 1;
  const cellAt = (row, night) => {
    let start = 0;
    for (const cell of [...row.cells].slice(1)) {
      if (night < start + width(cell)) return { cell, start };
      start += width(cell);
    }
    return null;
  };
  const target = (cell) => cell.querySelector(".fill") ?? cell;
  const dayOf = (night) => {
    const day = new Date(`${table().dataset.first}T00:00:00Z`);
    day.setUTCDate(day.getUTCDate() + night);
    return day.toISOString().slice(0, 10);
  };
  const isFree = (cell) => cell.dataset.n !== undefined;
  const canBook = (cell) => isFree(cell) && table().dataset.new !== undefined && dayOf(+cell.dataset.n) >= table().dataset.today;

  function rove(here) {
    for (const each of box.querySelectorAll("[tabindex='0']")) each.tabIndex = -1;
    here.tabIndex = 0;
  }
  function describe(cell, row) {
    if (!isFree(cell)) return;
    const night = new Date(`${dayOf(+cell.dataset.n)}T12:00:00Z`);
    const words = night.toLocaleDateString(document.documentElement.lang, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
    cell.setAttribute("aria-label", table().dataset.free.replace("{room}", row.dataset.room).replace("{night}", words));
  }
  function go(room, night) {
    const all = rows();
    const row = all[Math.max(0, Math.min(room, all.length - 1))];
    const nights = table().tHead.rows[0].cells.length - 1;
    const found = row && cellAt(row, Math.max(0, Math.min(night, nights - 1)));
    if (!found) return;
    at = { room: all.indexOf(row), night: Math.max(0, Math.min(night, nights - 1)) };
    const here = target(found.cell);
    describe(found.cell, row);
    rove(here);
    here.focus({ preventScroll: true });
    reveal(found.cell);
  }
  // What is under the fixed row and column above and at the left is not in sight.
  function reveal(cell) {
    const view = box.getBoundingClientRect(), place = cell.getBoundingClientRect();
    const top = view.top + box.querySelector("thead").offsetHeight + 30;
    const left = view.left + box.querySelector(".corner").offsetWidth;
    if (place.top < top) box.scrollTop -= top - place.top;
    else if (place.bottom > view.bottom) box.scrollTop += place.bottom - view.bottom + 12;
    if (place.left < left) box.scrollLeft -= left - place.left;
    else if (place.right > view.right) box.scrollLeft += Math.min(place.right - view.right + 12, place.left - left);
  }
  function where(element) {
    const cell = element.closest?.("td");
    const row = cell?.closest("tr[data-room]");
    if (!row) return null;
    let start = 0;
    for (const each of [...row.cells].slice(1)) {
      if (each === cell) return { cell, row, start, room: rows().indexOf(row) };
      start += width(each);
    }
    return null;
  }

  // ---- free nights, and a booking for them

  function unpick() {
    for (const each of box.querySelectorAll(".picked")) each.classList.remove("picked");
    picked = null;
  }
  function pick(row, from, to) {
    const [first, last] = from <= to ? [from, to] : [to, from];
    const cells = [];
    for (let night = first; night <= last; night++) {
      const { cell } = cellAt(row, night);
      if (!canBook(cell)) return false;
      cells.push(cell);
    }
    unpick();
    for (const each of cells) each.classList.add("picked");
    picked = { row, from, to };
    return true;
  }
  function book() {
    const [first, last] = [Math.min(picked.from, picked.to), Math.max(picked.from, picked.to)];
    const asked = { check_in: dayOf(first), check_out: dayOf(last + 1), room_type: picked.row.closest("tbody").dataset.kind };
    location.assign(`${table().dataset.new}?${new URLSearchParams(asked)}`);
  }

  box.addEventListener("keydown", (event) => {
    const here = where(document.activeElement);
    if (!here || event.altKey || event.metaKey) return;
    const { key, ctrlKey, shiftKey } = event;
    if (shiftKey && (key === "ArrowRight" || key === "ArrowLeft") && canBook(here.cell)) {
      const next = at.night + (key === "ArrowRight" ? 1 : -1);
      const from = picked?.row === here.row ? picked.from : at.night;
      if (cellAt(here.row, next) && next >= 0 && pick(here.row, from, next)) go(here.room, next);
      event.preventDefault();
      return;
    }
    const moves = {
      ArrowRight: () => go(here.room, here.start + width(here.cell)),
      ArrowLeft: () => go(here.room, here.start - 1),
      ArrowDown: () => go(here.room + 1, at.night),
      ArrowUp: () => go(here.room - 1, at.night),
      Home: () => go(ctrlKey ? 0 : here.room, 0),
      End: () => go(ctrlKey ? Infinity : here.room, Infinity),
      PageDown: () => go(here.room + 10, at.night),
      PageUp: () => go(here.room - 10, at.night),
      Escape: () => {},
    };
    if (key === "Enter" && canBook(here.cell)) {
      if (!picked || picked.row !== here.row) pick(here.row, at.night, at.night);
      book();
    } else if (moves[key] && !(ctrlKey && !["Home", "End"].includes(key))) {
      unpick();
      moves[key]();
    } else return;
    event.preventDefault();
  });

  // ---- the mouse: a click on a free night, or pulling over some of them

  let pulling = null;
  box.addEventListener("pointerdown", (event) => {
    const here = event.button === 0 && event.pointerType === "mouse" ? where(event.target) : null;
    if (!here || !canBook(here.cell)) return;
    event.preventDefault();
    pulling = { row: here.row, from: here.start };
    pick(here.row, here.start, here.start);
  });
  box.addEventListener("pointerover", (event) => {
    const here = pulling && where(event.target);
    if (here?.row === pulling?.row && here && isFree(here.cell)) pick(here.row, pulling.from, here.start);
  });
  document.addEventListener("pointerup", (event) => {
    if (!pulling) return;
    const same = where(event.target)?.row === pulling.row;
    pulling = null;
    if (same) book();
    else unpick();
  });
  box.addEventListener("click", (event) => {
    const here = where(event.target);
    if (!here) return;
    at = { room: here.room, night: here.start };
    if (event.pointerType === "touch" && canBook(here.cell)) {
      pick(here.row, here.start, here.start);
      book();
    }
  });
  box.addEventListener("focusin", (event) => {
    const here = where(event.target);
    if (here && !(here.start <= at.night && at.night < here.start + width(here.cell) && here.room === at.room)) at = { room: here.room, night: here.start };
  });

  // ---- one stop for the Tab key, also after the chart has been fetched anew

  function settle() {
    const all = table();
    if (!all) return;
    all.setAttribute("role", "grid");
    for (const each of box.querySelectorAll(".fill")) each.tabIndex = -1;
    const row = rows()[at.room] ?? rows()[0];
    const found = row && cellAt(row, at.night);
    if (!found) return;
    describe(found.cell, row);
    target(found.cell).tabIndex = 0;
    if (picked) pick(rows().find((each) => each.dataset.room === picked.row.dataset.room) ?? row, picked.from, picked.to) || unpick();
  }
  box.removeAttribute("tabindex");
  settle();
  let wasHere = false;
  document.addEventListener("htmx:before:swap", () => (wasHere = box.contains(document.activeElement)));
  document.addEventListener("htmx:after:swap", () => {
    settle();
    if (wasHere) go(at.room, at.night);
  });

  // ---- the clocks of holds; when one is over its room is free

  setInterval(() => {
    let over = false;
    for (const each of box.querySelectorAll("[data-until]")) {
      const seconds = Math.floor((Date.parse(each.dataset.until) - Date.now()) / 1000);
      each.textContent = seconds > 0 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "0:00";
      over ||= seconds <= 0 && seconds > -5;
    }
    if (over) box.dispatchEvent(new CustomEvent("tape-over"));
  }, 1000);
})();
