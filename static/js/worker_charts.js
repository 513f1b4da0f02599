// A node's gauges over time: drawn by Plotly once they are in sight, and gone on with as samples arrive over the socket.
import { colour, CONFIG, loadPlotly, onTheme, themed } from "./plots.js";

const GIB = 1024 ** 3;
const MEGABITS = 8 / 1_000_000; // of a byte
const [HOUR, DAY] = [3600, 86_400];
const SILENCE = 60; // seconds without a sample: what was missed is fetched
const HUES = ["--accent", "--info", "--warn", "--ok", "--bad", "--soft"]; // one a line
const HUE_OF = { ram: "--info", vram: "--info", celsius: "--warn", watts: "--ok" }; // of a chart with one line

let shown = null; // {section, figures, plots: [[chart, element]], heardAt} of the section on the page, once it is drawn
const seconds = () => performance.now() / 1000;

// Samples ---------------------------------------------------------------------------------------------------------------

/** The values of one sample by their source: "cpu", "load:0", ... `apart`: seconds since the sample before it. */
function valuesOf(gauges, apart) {
  const values = { cpu: 100 * gauges.cpu_load, ram: gauges.ram_used_bytes / GIB };
  if (apart) {
    values.down = (gauges.network_down_bytes * MEGABITS) / apart;
    values.up = (gauges.network_up_bytes * MEGABITS) / apart;
  }
  for (const gpu of gauges.gpus) {
    values[`load:${gpu.index}`] = 100 * gpu.load;
    values[`vram:${gpu.index}`] = gpu.vram_used_bytes / GIB;
    values[`celsius:${gpu.index}`] = gpu.temperature_celsius;
    values[`watts:${gpu.index}`] = gpu.power_watts;
  }
  return values;
}

/** Opens steps until the last one holds this moment of the server's clock; what lies between stays empty. */
function openSteps(figures, moment) {
  const lines = figures.charts.flatMap((chart) => chart.lines);
  const length = lines[0].values.length;
  while (figures.since + length * figures.step <= moment) {
    figures.since += figures.step;
    figures.samples = 0;
    lines.forEach(({ values }) => {
      values.shift();
      values.push(null);
    });
  }
}

function fold(before, value, samples, peaks) {
  if (before === null) return value;
  return peaks ? Math.max(before, value) : (before * samples + value) / (samples + 1);
}

const fetchAgain = (section) => window.htmx.ajax("GET", section.dataset.again, { target: section, swap: "outerHTML" });

function take(gauges) {
  const { figures, section } = shown;
  const now = seconds();
  const apart = shown.heardAt ? now - shown.heardAt : 0;
  if (apart > SILENCE) {
    fetchAgain(section);
    return;
  }
  shown.heardAt = now;
  openSteps(figures, figures.now + now - arrivedAt);
  const values = valuesOf(gauges, apart);
  for (const { lines, peaks } of figures.charts) {
    for (const line of lines) {
      const value = values[line.source];
      const last = line.values.length - 1;
      if (value !== undefined) line.values[last] = fold(line.values[last], value, figures.samples, peaks);
    }
  }
  figures.samples += 1;
  if (!document.hidden) draw();
}

// Drawing ---------------------------------------------------------------------------------------------------------------

/** The grid's moments as the reader's local time, which Plotly takes as it stands. */
function moments({ since, step, charts }) {
  return charts[0].lines[0].values.map((_, place) => {
    const moment = (since + place * step) * 1000;
    return new Date(moment - new Date(moment).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  });
}

function traces(chart, x) {
  const alone = chart.lines.length === 1;
  return chart.lines.map((line, place) => ({
    type: "scatter",
    mode: alone && line.values.filter((value) => value !== null).length < 2 ? "markers" : "lines",
    name: line.words,
    x,
    y: line.values,
    connectgaps: false,
    line: { color: colour(alone ? HUE_OF[chart.key] ?? HUES[0] : HUES[place % HUES.length]), width: 1.6 },
    hovertemplate: `%{y:,.1~f} ${chart.unit}<extra>${alone ? "" : line.words}</extra>`,
  }));
}

function layout(chart, x, { axis, layout: base }, step) {
  return {
    ...base,
    height: 190,
    margin: { l: 40, r: 6, t: 12, b: 26 },
    hovermode: "x unified",
    xaxis: {
      ...axis,
      type: "date",
      range: [x[0], x.at(-1)],
      showgrid: false,
      nticks: 5,
      tickformat: step < HOUR ? "%H:%M" : "%-d %b",
      hoverformat: step < DAY ? "%-d %b, %H:%M" : "%-d %b %Y",
    },
    yaxis: { ...axis, rangemode: "tozero", range: chart.top ? [0, chart.top] : undefined, nticks: 5, tickformat: "~g" },
    showlegend: chart.lines.length > 1,
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom" },
  };
}

function draw() {
  const { figures, plots } = shown;
  const x = moments(figures);
  const theme = themed();
  for (const [chart, element] of plots) {
    window.Plotly.react(element, traces(chart, x), layout(chart, x, theme, figures.step), CONFIG);
  }
}

// Start -----------------------------------------------------------------------------------------------------------------

async function begin(section) {
  const numbers = section.querySelector(".chart-numbers");
  const figures = JSON.parse(section.querySelector("#worker-figures").textContent);
  try {
    await loadPlotly(section.dataset.plotly);
  } catch {
    return; // the table stays
  }
  const plots = figures.charts.map((chart) => [chart, section.querySelector(`#chart-${chart.key}`)]);
  if (section !== arrived) return; // another period has come meanwhile
  shown = { section, figures, plots, heardAt: 0 };
  section.classList.add("is-drawn");
  numbers.open = wantsNumbers;
  draw();
}

let arrived = null; // the section that waits to be seen, is drawn, or has nothing to draw yet
let arrivedAt = 0;
let wantsNumbers = false; // the reader has opened them: they stay open from period to period

function watch() {
  const section = document.getElementById("worker-charts");
  if (!section?.dataset.plotly || section === arrived) return;
  if (shown) wantsNumbers = shown.section.querySelector(".chart-numbers").open;
  [arrived, arrivedAt, shown] = [section, seconds(), null];
  if (!section.querySelector("#worker-figures")) return;
  const sight = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    sight.disconnect();
    begin(section);
  });
  sight.observe(section);
}

document.addEventListener("live-gauges", ({ detail }) => {
  if (!arrived?.isConnected || detail.topic !== arrived.dataset.live || !detail.gauges.gpus) return;
  if (shown) take(detail.gauges);
  else if (!arrived.querySelector("#worker-figures") && seconds() - arrivedAt > SILENCE) fetchAgain(arrived); // its first minute
});
document.addEventListener("htmx:afterSettle", watch);
document.addEventListener("visibilitychange", () => shown && !document.hidden && draw());
onTheme(() => shown && draw());
watch();
