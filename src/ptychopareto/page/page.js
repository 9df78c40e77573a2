// Links plot, table and details: what is pointed at or kept in one of them is marked in all.
//
// An item is a run or a configuration. Its key, "run:..." or "configuration:...", stands in the
// attribute data-item of its row and of its mark. All text is set as text, never as HTML.
plotly.then(() => {
  "use strict";

  const EVEN_TICKS = 4; // a scale that spans less than this factor has ticks in even steps
  const FADED = 0.12; // opacity of what the filters leave out
  const ON_PAPER = { width: 700, height: 420 }; // px

  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const plot = byId("plot");
  const body = byId("table").tBodies[0];
  const heads = [...byId("table").tHead.rows[0].cells];
  const rows = [...body.rows]; // in the order of the grid
  const rowOf = new Map(rows.map((row) => [row.dataset.item, row]));
  const items = new Map();
  for (const run of data.runs) {
    items.set(`run:${run.name}`, { ...run, kind: "run", runs: [run.name] });
  }
  for (const configuration of data.configurations) {
    const own = data.runs.filter((run) => run.configuration === configuration.name);
    items.set(`configuration:${configuration.name}`, {
      ...configuration, kind: "configuration", runs: own.map((run) => run.name),
    });
  }

  let pointed = null; // the key of the item under the pointer
  let kept = null; // the key of the item that was clicked

  // -------------------------------------------------------------------------------------------
  // Plot

  const axisName = (side) => byId(`axis-${side}`).value;

  function scaled(axis, value) {
    return axis.scale === "ssim" ? -Math.log10(Math.max(1 - value, data.ssim.resolution)) : value;
  }

  function canBeDrawn(item) {
    return ["x", "y"].every((side) => {
      const value = item.values[axisName(side)];
      return Number.isFinite(value) && (data.axes[axisName(side)].scale !== "log" || value > 0);
    });
  }

  /** The items on the front, the best in x first; each pair of axes has its front in the data. */
  function front() {
    const [x, y] = ["x", "y"].map(axisName);
    const numbers = data.fronts[x][y] ?? [...data.fronts[y][x]].reverse();
    const means = numbers.map((i) => items.get(`configuration:${data.configurations[i].name}`));
    return data.several ? means : means.map((item) => items.get(`run:${item.runs[0]}`));
  }

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const matches = (item) => item.runs.some((name) => !rowOf.get(`run:${name}`).hidden);

  function points(side, drawn) {
    return drawn.map((item) => scaled(data.axes[axisName(side)], item.values[axisName(side)]));
  }

  /** Half widths of the intervals; on the SSIM scale they are not the same on both sides. */
  function intervals(side, drawn) {
    const name = axisName(side);
    const axis = data.axes[name];
    const ends = drawn.map((item) => {
      const mean = item.values[name];
      const half = item.intervals[name] ?? 0;
      const centre = scaled(axis, mean);
      return [centre - scaled(axis, mean - half), scaled(axis, mean + half) - centre];
    });
    return {
      type: "data", symmetric: false, thickness: 1, width: 3, color: colour("--quiet"),
      arrayminus: ends.map((end) => end[0]), array: ends.map((end) => end[1]),
    };
  }

  /** What is read beside a mark: its name, and its two values as the table gives them. */
  function label(item) {
    const words = wordsOf(item);
    const lines = ["y", "x"].map((side) => {
      const [heading, text] = words.find(([, , column]) => column === axisName(side));
      return `${heading} ${text}`;
    });
    return [item.name, ...lines].map(escaped).join("<br>") + "<extra></extra>";
  }

  function marks(kind, drawn, size) {
    const faint = kind === "run" && data.several ? 0.5 : 1;
    const hue = (item) => colour(`--series-${item.colour}`);
    return {
      type: "scatter", mode: "markers", meta: kind, showlegend: false,
      x: points("x", drawn), y: points("y", drawn),
      customdata: drawn.map((item) => `${kind}:${item.name}`),
      hovertemplate: drawn.map(label),
      marker: {
        size, symbol: drawn.map((item) => item.symbol), color: drawn.map(hue),
        opacity: drawn.map((item) => (matches(item) ? faint : FADED)),
        line: { width: size / 8, color: drawn.map(hue) },
      },
    };
  }

  function traces() {
    const drawn = (kind) => [...items.values()].filter((item) => item.kind === kind && canBeDrawn(item));
    const runs = drawn("run");
    const means = drawn("configuration");
    const best = front();
    const x = points("x", best);
    const y = points("y", best);
    if (best.length) { // on to the dearest: nothing there is better
      const all = points("x", runs);
      const less = data.axes[axisName("x")].better === "less";
      x.push(less ? Math.max(...all) : Math.min(...all));
      y.push(y.at(-1));
    }
    const line = {
      type: "scatter", mode: "lines", x, y, hoverinfo: "skip", showlegend: false,
      line: { shape: "hv", width: 1.5, color: colour("--ink") },
    };
    if (!data.several) return [line, marks("run", runs, 11)];
    const large = { error_x: intervals("x", means), error_y: intervals("y", means) };
    return [line, marks("run", runs, 6), { ...marks("configuration", means, 12), ...large }];
  }

  function axisLayout(side) {
    const name = axisName(side);
    const axis = data.axes[name];
    const note = axis.scale === "ssim" ? " (scale: logarithm of 1 − SSIM)" : "";
    const layout = {
      title: { text: escaped(axis.label + note), standoff: 10 }, automargin: true, zeroline: false,
      gridcolor: colour("--line"), linecolor: colour("--quiet"), ticks: "outside",
      tickcolor: colour("--quiet"), uirevision: name, visible: data.runs.some(canBeDrawn), type: axis.scale === "log" ? "log" : "linear",
    };
    return { ...layout, ...rangeOf(side) };
  }

  /** The range of the marks and the floor. Intervals may leave it: few seeds give very long ones. */
  function rangeOf(side) {
    const axis = data.axes[axisName(side)];
    const values = points(side, [...items.values()].filter(canBeDrawn));
    if (!values.length) return {};
    const floor = side === "y" ? data.floors[axisName(side)] : undefined;
    if (Number.isFinite(floor)) values.push(scaled(axis, floor));
    const ends = [Math.min(...values), Math.max(...values)];
    const [low, high] = axis.scale === "log" ? ends.map(Math.log10) : ends;
    const margin = high > low ? 0.08 * (high - low) : axis.scale === "linear" ? 0.1 * Math.abs(high) || 1 : 0.3;
    return { range: [low - margin, high + margin] };
  }

  function evenTicks(low, high) {
    const rough = (high - low) / 6;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
    const first = Math.ceil(low / step);
    const count = Math.max(Math.floor(high / step) - first + 1, 0);
    return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(9)));
  }

  function logTicks(low, high) {
    if (high < EVEN_TICKS * low) return evenTicks(low, high);
    const powers = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) powers.push(power);
    const factors = high < 1000 * low ? [1, 2, 5] : [1];
    return powers.flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)));
  }

  function ssimTicks(low, high) {
    return 1 - low < EVEN_TICKS * (1 - high) ? evenTicks(low, high) : data.ssim.ticks;
  }

  /** Ticks for the range that is seen: plotly's own do not know the SSIM scale, and crowd on a logarithmic one. */
  function retick() {
    const update = {};
    for (const side of ["x", "y"]) {
      const axis = data.axes[axisName(side)];
      const range = plot.layout[`${side}axis`].range;
      if (axis.scale === "linear" || !range) continue;
      const back = axis.scale === "log" ? (v) => 10 ** v : (v) => 1 - 10 ** -v;
      const [low, high] = range.map(back).sort((a, b) => a - b);
      const ticks = axis.scale === "log" ? logTicks(low, high) : ssimTicks(low, high);
      update[`${side}axis.tickvals`] = ticks.map((tick) => scaled(axis, tick));
      update[`${side}axis.ticktext`] = ticks.map(tickText);
    }
    return Plotly.relayout(plot, update);
  }

  function tickText(value) {
    if (value >= 1e4) return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 }).format(value).replace("K", "k");
    return String(value);
  }

  function notes() {
    const shapes = [];
    const annotations = [];
    const name = axisName("y");
    const floor = data.floors[name];
    const quiet = { showarrow: false, font: { size: 11 } };
    if (Number.isFinite(floor) && data.runs.some(canBeDrawn)) {
      const y = scaled(data.axes[name], floor);
      shapes.push({
        type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y,
        line: { dash: "dash", width: 1, color: colour("--quiet") },
      });
      annotations.push({
        ...quiet, xref: "paper", x: 1, xanchor: "right", y, yanchor: "bottom",
        text: `constant reconstruction: ${floor.toPrecision(2)}`,
      });
    }
    Object.entries(data.purposes).forEach(([configuration, text], number) => {
      const chosen = items.get(`configuration:${configuration}`);
      if (!chosen || !canBeDrawn(chosen)) return;
      const [x, y] = ["x", "y"].map((side) => {
        const axis = data.axes[axisName(side)];
        const value = scaled(axis, chosen.values[axisName(side)]);
        return axis.scale === "log" ? Math.log10(value) : value;
      });
      annotations.push({
        x, y, text, font: { size: 12 }, ax: -46, ay: -30 - 16 * number, arrowhead: 0,
        arrowwidth: 1, standoff: 8, arrowcolor: colour("--quiet"),
      });
    });
    if (!data.runs.some(canBeDrawn)) {
      annotations.push({ ...quiet, font: { size: 14 }, xref: "paper", yref: "paper", x: 0.5, y: 0.5, text: "no run with a result on these axes" });
    }
    return { shapes, annotations };
  }

  function redraw(size) {
    const layout = {
      ...notes(), ...size, autosize: !size, margin: { l: 60, r: 15, t: 36, b: 50 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
      font: { family: "system-ui, 'DejaVu Sans', sans-serif", size: 12 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--quiet"), activecolor: colour("--ink") },
      dragmode: "zoom", xaxis: axisLayout("x"), yaxis: axisLayout("y"),
    };
    const config = {
      responsive: true, displaylogo: false, displayModeBar: true, showSendToCloud: false, plotlyServerURL: "",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    };
    Plotly.react(plot, traces(), layout, config);
    retick();
    const left = data.runs.filter((run) => !canBeDrawn(run)).length;
    byId("plot-note").textContent = left
      ? `${left} of ${data.runs.length} runs have no value on these axes; the table shows them.` : "";
    const end = (side) => ({ x: { less: "left", more: "right" }, y: { less: "bottom", more: "top" } }[side][data.axes[axisName(side)].better]);
    byId("direction").textContent = `best: ${end("y")} ${end("x")}`;
  }

  /** Put a ring around each mark of the items that are pointed at or kept, above all other marks. */
  function drawRings() {
    const rings = byId("rings");
    rings.replaceChildren();
    const origin = rings.getBoundingClientRect();
    const area = plot.querySelector(".nsewdrag")?.getBoundingClientRect();
    for (const mark of plot.querySelectorAll("path.point.lit, path.point.kept")) {
      const box = mark.getBoundingClientRect();
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      if (x < area.left || x > area.right || y < area.top || y > area.bottom) continue;
      const ring = document.createElement("div");
      ring.style.left = `${x - origin.left}px`;
      ring.style.top = `${y - origin.top}px`;
      rings.append(ring);
    }
  }

  /** Write into each mark whose it is; plotly makes them anew when it likes. */
  function nameMarks() {
    for (const group of plot.querySelectorAll(".scatterlayer .trace")) {
      const trace = group.__data__[0].trace;
      for (const mark of group.querySelectorAll("path.point")) {
        if (trace.customdata) mark.dataset.item = trace.customdata[mark.__data__.i];
      }
    }
    showMarked();
  }

  // -------------------------------------------------------------------------------------------
  // What is marked

  function elementsOf(key) {
    const item = items.get(key);
    if (!item) return [];
    const keys = new Set([key, ...item.runs.map((name) => `run:${name}`)]);
    return [...document.querySelectorAll("[data-item]")].filter((element) => keys.has(element.dataset.item));
  }

  function showMarked() {
    for (const [name, key] of [["lit", pointed], ["kept", kept]]) {
      document.querySelectorAll(`.${name}`).forEach((element) => element.classList.remove(name));
      elementsOf(key).forEach((element) => element.classList.add(name));
    }
    for (const row of rows) {
      row.querySelector(".run").setAttribute("aria-pressed", String(row.classList.contains("kept")));
    }
    drawRings();
    showDetails(items.get(pointed ?? kept ?? `run:${data.recommended_run}`));
  }

  function point(key) {
    if (pointed === key) return;
    pointed = key;
    showMarked();
  }

  function keep(key) {
    kept = kept === key ? null : key;
    showMarked();
  }

  /** Scroll the table, and only the table, to the row of an item. */
  function scrollTo(key) {
    const row = elementsOf(key).find((element) => element.matches("tr:not([hidden])"));
    if (!row) return;
    const frame = body.closest(".scroll");
    const space = frame.clientHeight - row.offsetHeight;
    frame.scrollTop = row.offsetTop - space / 2;
  }

  function showDetails(item) {
    const pictures = byId("details-pictures");
    for (const list of document.querySelectorAll("#details dl")) list.replaceChildren();
    pictures.replaceChildren();
    byId("details-name").textContent = item ? item.name : "";
    byId("details-row").hidden = !item;
    if (!item) return;
    byId("details-row").dataset.key = `${item.kind}:${item.name}`;
    byId("details-head").classList.toggle("single", item.runs.length === 1);
    for (const name of item.runs.filter((name) => name in data.thumbnails)) {
      pictures.append(thumbnail(name, item.kind === "run" ? "phase" : name.slice(item.name.length + 1)));
    }
    for (const [heading, text, column] of wordsOf(item)) {
      const pair = document.createElement("div");
      pair.append(element("dt", heading), element("dd", text));
      pair.classList.toggle("axis", column === axisName("x") || column === axisName("y"));
      byId(data.measures.includes(column) ? "details-values" : "details-settings").append(pair);
    }
  }

  function wordsOf(item) {
    if (item.kind === "configuration") return item.words;
    const cells = [...rowOf.get(`run:${item.name}`).cells];
    return cells
      .map((cell, i) => [heads[i].textContent.trim(), cell.textContent, heads[i].dataset.column])
      .slice(1)
      .filter(([, text]) => text !== "");
  }

  function element(tag, text) {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  }

  function thumbnail(name, caption) {
    const figure = document.createElement("figure");
    const image = document.createElement("img");
    image.src = data.thumbnails[name];
    image.alt = `phase of ${name}`;
    figure.append(image, element("figcaption", caption));
    return figure;
  }

  // -------------------------------------------------------------------------------------------
  // Table

  /** Order the rows by a column: rising, falling, and at the third click as the grid is. */
  function sortBy(head) {
    const next = { none: "ascending", ascending: "descending", descending: "none" };
    const order = next[head.getAttribute("aria-sort")];
    heads.forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", order);
    const index = heads.indexOf(head);
    const sign = order === "ascending" ? 1 : -1;
    const isNumber = head.classList.contains("number");
    const value = (row) => (isNumber ? row.cells[index].dataset.value : row.cells[index].textContent) || null;
    const sorted = order === "none" ? rows : [...rows].sort((a, b) => {
      const [u, v] = [value(a), value(b)];
      if (u === null || v === null) return (u === null) - (v === null); // what is missing: last
      return sign * (isNumber ? Number(u) - Number(v) : u.localeCompare(v));
    });
    body.append(...sorted);
  }

  function filter() {
    const wanted = new FormData(byId("filters"));
    const words = wanted.get("search").toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const chosen = heads.every((head, i) => {
        const value = wanted.get(head.dataset.column);
        return !value || row.cells[i].textContent === value;
      });
      row.hidden = !chosen || !words.every((word) => text.includes(word)) ||
        (wanted.has("front") && !("front" in row.dataset));
    }
    const count = rows.filter((row) => !row.hidden).length;
    byId("count").textContent = `${count} of ${rows.length} runs`;
    redraw();
  }

  // -------------------------------------------------------------------------------------------
  // Events

  function go(step) {
    const marked = [...plot.querySelectorAll("path.point[data-item]")]
      .map((mark) => ({ key: mark.dataset.item, left: mark.getBoundingClientRect().left }))
      .sort((a, b) => a.left - b.left);
    if (!marked.length) return;
    const at = marked.findIndex((mark) => mark.key === pointed);
    point(marked.at(at < 0 ? 0 : (at + step) % marked.length).key);
  }

  function onPlotKey(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps) go(steps[event.key]);
    else if (event.key === "Enter" && pointed) { keep(pointed); scrollTo(pointed); }
    else return;
    event.preventDefault();
  }

  function onTableKey(event) {
    const steps = { ArrowUp: -1, ArrowDown: 1 };
    if (!(event.key in steps) || !event.target.matches(".run")) return;
    const buttons = [...body.querySelectorAll("tr:not([hidden]) .run")];
    buttons[buttons.indexOf(event.target) + steps[event.key]]?.focus();
    event.preventDefault();
  }

  document.documentElement.classList.add("scripted");
  filter();
  plot.on("plotly_afterplot", nameMarks);
  plot.on("plotly_relayout", (change) => {
    if (Object.keys(change).some((key) => /axis\.(range|autorange)/.test(key))) retick();
  });
  plot.on("plotly_hover", (event) => point(event.points[0].customdata));
  plot.on("plotly_unhover", () => point(null));
  plot.on("plotly_click", (event) => {
    keep(event.points[0].customdata);
    scrollTo(kept);
  });
  plot.addEventListener("keydown", onPlotKey);
  plot.addEventListener("blur", () => point(null));
  for (const side of ["x", "y"]) {
    byId(`axis-${side}`).addEventListener("change", () => { redraw(); showMarked(); });
  }
  heads.forEach((head) => head.firstElementChild.addEventListener("click", () => sortBy(head)));
  byId("filters").addEventListener("change", filter);
  byId("filters").elements.search.addEventListener("input", filter);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => setTimeout(filter)); // after the fields are empty
  body.addEventListener("keydown", onTableKey);
  body.addEventListener("pointerover", (event) => point(event.target.closest("tr").dataset.item));
  body.addEventListener("pointerleave", () => point(null));
  body.addEventListener("focusin", (event) => point(event.target.closest("tr").dataset.item));
  body.addEventListener("focusout", () => point(null));
  body.addEventListener("click", (event) => keep(event.target.closest("tr").dataset.item));
  byId("details-row").addEventListener("click", (event) => {
    const key = event.target.dataset.key;
    if (kept !== key) keep(key);
    scrollTo(key);
    byId("runs").scrollIntoView();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && kept) keep(kept);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing"); // its colours are those of paper
    redraw(ON_PAPER);
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing");
    redraw();
  });
  nameMarks();
}, () => { document.getElementById("no-plot").hidden = false; });
