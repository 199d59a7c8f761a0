// The charts of the reports, drawn from the tables that stand below them; without scripts the tables are there.
(() => {
  "use strict";
  const charts = document.querySelectorAll("[data-chart]");
  if (!charts.length || !window.uPlot) return;

  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const columns = (table) => {
    const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.dataset.value));
    const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    return { names, of: (index) => rows.map((row) => row[index]) };
  };
  const numbers = (words) => words.map(Number);
  const seconds = (words) => words.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
  const added = (...lists) => lists[0].map((_first, at) => lists.reduce((sum, list) => sum + list[at], 0));
  const bars = uPlot.paths.bars({ size: [0.7, 40] });
  const axis = () => ({ stroke: colour("--soft"), font: `12px ${colour("--text")}`, grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } });

  const HALF_A_DAY = 12 * 3600;
  const options = (place, name, series) => ({
    width: place.clientWidth,
    height: 220,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
    cursor: { drag: { x: false, y: false } },
    scales: { x: { range: (_chart, first, last) => [first - HALF_A_DAY, last + HALF_A_DAY] }, y: { range: (_chart, _least, most) => [0, Math.max(1, most * 1.05)] } },
    axes: [{ ...axis(), values: (_chart, at) => at.map((second) => new Date(second * 1000).toLocaleDateString(document.documentElement.lang, { day: "numeric", month: "short", timeZone: "UTC" })) }, { ...axis(), size: 60 }],
    series: [{ value: (_chart, at) => (at === null ? "–" : new Date(at * 1000).toLocaleDateString(document.documentElement.lang, { timeZone: "UTC" })), label: name }, ...series],
  });
  // Bars that stand on each other are drawn the tallest first, each with its own figure in the legend.
  const stacked = (names, lists, colours) => {
    const heights = lists.map((_list, at) => added(...lists.slice(0, at + 1)));
    const order = lists.map((_list, at) => at).reverse();
    return {
      data: order.map((at) => heights[at]),
      series: order.map((at) => ({ label: names[at], fill: colours[at], stroke: colours[at], width: 0, paths: bars, points: { show: false }, value: (_chart, _height, _series, index) => (index === null ? "–" : String(lists[at][index])) })),
    };
  };

  const draw = (place) => {
    const table = columns(document.getElementById(place.dataset.of));
    const days = seconds(table.of(0));
    const shown =
      place.dataset.chart === "days"
        ? stacked(table.names.slice(1, 4), [1, 2, 3].map((index) => numbers(table.of(index))), [colour("--accent"), colour("--warn"), colour("--bad")])
        : stacked([table.names[5]], [numbers(table.of(5))], [colour("--good")]);
    const chart = new uPlot(options(place, table.names[0], shown.series), [days, ...shown.data], place);
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 220 })).observe(place);
  };
  charts.forEach(draw);
})();
