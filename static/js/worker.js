// The node's page: gauges and progress that the socket pushes are drawn at once, between the fragments' refreshes.

const GIB = 1024 ** 3;
const section = () => document.getElementById("worker-gauges");
const topic = () => section()?.dataset.live;

const size = (bytes) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value.toFixed(value >= 99.5 || unit === 0 ? 0 : 1)} ${units[unit]}`;
};
const memory = (bytes) => `${(bytes / GIB).toFixed(1).replace(/\.0$/, "")} GB`;
const share = (part, whole) => (whole ? Math.min(100, Math.round((100 * part) / whole)) : 0);

function gauge(id, figure, percent) {
  const element = document.getElementById(id);
  if (!element) return;
  element.querySelector(".gauge-value").setAttribute("stroke-dasharray", `${Math.max(0, Math.min(100, percent))} 200`);
  element.querySelector("b").textContent = figure;
  element.setAttribute("aria-label", `${element.getAttribute("aria-label").split(":")[0]}: ${figure}`);
}

function meter(id, words) {
  const element = document.getElementById(id);
  if (element) element.textContent = words;
}

function drawMachine(gauges) {
  const ram = Number(section().dataset.ramBytes);
  const cpu = Math.round(gauges.cpu_load * 100);
  gauge("gauge-cpu", `${cpu} %`, cpu);
  gauge("gauge-ram", memory(gauges.ram_used_bytes), share(gauges.ram_used_bytes, ram));
  meter("meter-disk", size(gauges.disk_free_bytes));
  meter("meter-network", `↓ ${size(gauges.network_down_bytes)} ↑ ${size(gauges.network_up_bytes)}`);
  gauges.gpus.forEach(drawGpu);
}

function drawGpu(gpu) {
  const row = section().querySelector(`[data-gpu="${gpu.index}"]`);
  if (!row) return;
  const load = Math.round(gpu.load * 100);
  gauge(`gauge-load-${gpu.index}`, `${load} %`, load);
  gauge(`gauge-vram-${gpu.index}`, (gpu.vram_used_bytes / GIB).toFixed(1), share(gpu.vram_used_bytes, Number(row.dataset.vramBytes)));
  gauge(`gauge-celsius-${gpu.index}`, `${Math.round(gpu.temperature_celsius)} °C`, gpu.temperature_celsius);
  meter(`meter-watts-${gpu.index}`, `${Math.round(gpu.power_watts)} W`);
  meter(`meter-clock-${gpu.index}`, `${gpu.clock_mhz} MHz`);
  if (gpu.fan !== null) meter(`meter-fan-${gpu.index}`, `${Math.round(gpu.fan * 100)} %`);
}

function drawProgress(progress) {
  for (const [work, [fraction, note]] of Object.entries(progress)) {
    const task = document.querySelector(`[data-work="${work}"]`);
    if (!task) continue;
    const percent = Math.round(fraction * 100);
    task.querySelector("[data-percent]").textContent = `${percent} %`;
    if (note) task.querySelector("[data-note]").textContent = note;
    task.querySelector(".progress-active").setAttribute("width", `${percent}%`);
    task.querySelector(".progress").setAttribute("aria-valuenow", percent);
  }
}

document.addEventListener("live-gauges", ({ detail }) => {
  if (detail.topic !== topic()) return;
  if (detail.gauges.progress) drawProgress(detail.gauges.progress);
  if (detail.gauges.gpus) {
    const drawn = document.getElementById("gauge-cpu");
    if (drawn) drawMachine(detail.gauges);
    else htmx.trigger(section(), "live-refresh"); // the first sample: the server draws the gauges
  }
});
