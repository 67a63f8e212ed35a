"use strict";
// What pages do beyond links and forms. Everything works without it, but for pictures and renewal.
document.documentElement.classList.add("js");

const menu = document.getElementById("menu");
if (menu) {
  const nav = document.getElementById("nav");
  menu.addEventListener("click", () => {
    const open = nav.classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  });
}

// Charts: colours of the page, one bar for each day, stacked by outcome.
const tones = { pass: "--fill-good", anonymize: "--fill-plain", hold: "--fill-care", block: "--fill-bad" };
const charts = new Map();

function draw(canvas) {
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(name).trim();
  const given = JSON.parse(canvas.dataset.chart);
  if (charts.has(canvas)) charts.get(canvas).destroy();
  charts.set(canvas, new Chart(canvas, {
    type: "bar",
    data: {
      labels: given.labels,
      datasets: given.sets.map((one) => ({
        label: one.label, data: one.values, backgroundColor: colour(tones[one.name] || "--fill-plain"), stack: "all",
        borderColor: colour("--surface"), borderWidth: { top: 1, right: 0, bottom: 0, left: 0 },
      })),
    },
    options: {
      animation: false, responsive: true, maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { stacked: true, grid: { display: false }, ticks: { color: colour("--quiet"), maxRotation: 0, autoSkipPadding: 16 } },
        y: { stacked: true, beginAtZero: true, border: { display: false }, grid: { color: colour("--line") }, ticks: { color: colour("--quiet"), precision: 0 } },
      },
      plugins: { legend: { position: "bottom", labels: { color: colour("--text"), boxWidth: 12, boxHeight: 12 } } },
    },
  }));
}

function drawAll() {
  for (const canvas of charts.keys()) if (!canvas.isConnected) { charts.get(canvas).destroy(); charts.delete(canvas); }
  document.querySelectorAll("canvas[data-chart]").forEach(draw);
}

if (window.Chart) {
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.body.addEventListener("htmx:afterSettle", drawAll);
}

// Renewal: the server says that something changed, and the page asks for its own part anew; at most every two seconds.
const pause = document.getElementById("pause");
if (pause && window.htmx) {
  let paused = false, due = false, waiting = null;
  const renew = () => {
    waiting = null;
    if (!due || paused || document.hidden) return;
    const part = document.getElementById("live");
    // Whoever reads a table that they opened is not interrupted.
    if (part.querySelector("details[open]")) return;
    due = false;
    htmx.trigger(part, "renew");
  };
  const soon = () => { if (!waiting) waiting = setTimeout(renew, 2000); };
  const source = new EventSource(document.getElementById("live").dataset.live);
  source.addEventListener("change", () => { due = true; soon(); });
  source.addEventListener("over", () => { source.close(); location.reload(); });
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? pause.dataset.off : pause.dataset.on;
    pause.parentElement.classList.toggle("quiet", paused);
    soon();
  });
  document.addEventListener("visibilitychange", soon);
}

// The queue by keyboard: while one of its links has the focus, j and k (or the arrows) go to the next and the one before.
document.querySelectorAll("[data-keys]").forEach((list) => {
  list.addEventListener("keydown", (event) => {
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = [...list.querySelectorAll("a")];
    const next = links[links.indexOf(document.activeElement) + step];
    if (next) { next.focus(); event.preventDefault(); }
  });
});
