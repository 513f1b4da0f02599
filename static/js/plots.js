// What all charts drawn by Plotly share: the library when it is wanted, the theme's colours, and drawing again when they change.

let loading = null;

/** Loads Plotly once, from the address that the page gives; rejects where it cannot be had. */
export function loadPlotly(address) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", reject);
    document.head.append(script);
  });
  return loading;
}

/** A custom property as a colour that Plotly can read. */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Surfaces, letters and axes of this theme; `axis` is for both axes. */
export function themed() {
  return {
    axis: { gridcolor: colour("--line"), linecolor: colour("--line"), zerolinecolor: colour("--line"), fixedrange: true },
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "Inter, sans-serif", size: 12, color: colour("--soft") },
      hoverlabel: { bgcolor: colour("--raised"), bordercolor: colour("--line-strong"), font: { color: colour("--ink") } },
    },
  };
}

export const CONFIG = { displayModeBar: false, responsive: true };

/** Calls `draw` whenever the theme changes, by the system or by the reader. */
export function onTheme(draw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
