// Draws the chart of the usage page with Plotly in the theme's colours. Without it the server's own drawing stays.
import { colour, CONFIG, loadPlotly, onTheme, themed } from "./plots.js";

const MICROS = 1_000_000;
const box = document.getElementById("usage-chart");
const figures = JSON.parse(document.getElementById("usage-figures").textContent);
const HUES = ["--accent", "--info", "--ok", "--warn", "--bad", "--accent-mute", "--faint"];

const traces = () => figures.series.map(({ words, micros }, place) => ({
  type: "bar",
  name: words,
  x: figures.days,
  y: micros.map((amount) => amount / MICROS),
  marker: { color: colour(HUES[place]) },
  hovertemplate: "%{x|%-d %b}: %{y:,.6~f} credits<extra>%{fullData.name}</extra>",
}));

const layout = () => {
  const { axis, layout: base } = themed();
  const legend = 20 * Math.ceil(figures.series.length / Math.max(1, Math.floor(box.clientWidth / 200))); // its lines, in pixels
  return {
    ...base,
    barmode: "relative",
    bargap: 0.3,
    height: 280 + legend,
    margin: { l: 56, r: 8, t: 8, b: 40 + legend },
    xaxis: { ...axis, type: "date", showgrid: false },
    yaxis: { ...axis, rangemode: "tozero", tickformat: "~g" },
    legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom" },
    showlegend: true,
  };
};

loadPlotly(box.dataset.plotly).then((Plotly) => {
  const words = box.firstElementChild; // the server's figure keeps its table for screen readers
  words?.classList.add("visually-hidden");
  const plot = document.createElement("div");
  plot.setAttribute("aria-hidden", "true");
  box.append(plot);
  const drawIn = () => Plotly.react(plot, traces(), layout(), CONFIG);
  drawIn();
  onTheme(drawIn);
}, () => {}); // the server's drawing stays
