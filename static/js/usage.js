// Draws the chart of the usage page with Plotly in the theme's colours. Without it the server's own drawing stays.
const MICROS = 1_000_000;
const box = document.getElementById("usage-chart");
const figures = JSON.parse(document.getElementById("usage-figures").textContent);
const HUES = ["--accent", "--info", "--ok", "--warn", "--bad", "--accent-mute", "--faint"];

const colour = (name) => {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  box.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};

const traces = () => figures.series.map(({ words, micros }, place) => ({
  type: "bar",
  name: words,
  x: figures.days,
  y: micros.map((amount) => amount / MICROS),
  marker: { color: colour(HUES[place]) },
  hovertemplate: "%{x|%-d %b}: %{y:,.6~f} credits<extra>%{fullData.name}</extra>",
}));

const layout = () => {
  const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), zerolinecolor: colour("--line"), fixedrange: true };
  const legend = 20 * Math.ceil(figures.series.length / Math.max(1, Math.floor(box.clientWidth / 200))); // its lines, in pixels
  return {
    barmode: "relative",
    bargap: 0.3,
    height: 280 + legend,
    margin: { l: 56, r: 8, t: 8, b: 40 + legend },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "Inter, sans-serif", size: 12, color: colour("--soft") },
    xaxis: { ...axis, type: "date", showgrid: false },
    yaxis: { ...axis, rangemode: "tozero", tickformat: "~g" },
    legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom" },
    hoverlabel: { bgcolor: colour("--raised"), bordercolor: colour("--line-strong"), font: { color: colour("--ink") } },
    showlegend: true,
  };
};

if (window.Plotly) {
  const words = box.firstElementChild; // the server's figure keeps its table for screen readers
  words?.classList.add("visually-hidden");
  const plot = document.createElement("div");
  plot.setAttribute("aria-hidden", "true");
  box.append(plot);
  const drawIn = () => window.Plotly.react(plot, traces(), layout(), { displayModeBar: false, responsive: true });
  drawIn();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawIn);
  new MutationObserver(drawIn).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
