/* Explorers of one page: thresholds, predictions, ROC curves, and the model of the table of labels. Data come from a script beside it, charts from
   Plotly; controls are the browser's own, so that they work by keyboard. */
(() => {
  const data = window.EXPLORER;
  if (!data) return;
  const K = data.labels.length;
  const scores = {};  // float32 by model and part, works in rows; a view of bytes that are little-endian
  for (const [name, model] of Object.entries(data.models))
    for (const part of ["val", "test"])
      scores[name + part] = new Float32Array(Uint8Array.from(atob(model[part]), c => c.charCodeAt(0)).buffer);
  const make = (tag, options = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), options);
    element.append(...children);
    return element;
  };
  let serial = 0;
  const choice = (title, options, change) => {
    const select = make("select", { id: `explorer-${serial++}` });
    options.forEach(([value, text]) => select.append(make("option", { value, textContent: text })));
    select.addEventListener("change", change);
    return [select, make("label", { htmlFor: select.id }, title + " ", select)];
  };
  const same = list => list.map(value => [value, value]);
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const chart = (box, traces, x, y, shapes = []) => Plotly.react(box, traces, {
    xaxis: { title: { text: x }, range: [0, 1], gridcolor: css("--pst-color-border"), zeroline: false },
    yaxis: { title: { text: y }, rangemode: "tozero", gridcolor: css("--pst-color-border"), zeroline: false },
    font: { family: css("--pst-font-family-base"), color: css("--pst-color-text-base"), size: 13 },
    margin: { t: 16, r: 12, b: 48, l: 52 }, height: 340, paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)", legend: { orientation: "h", y: 1.02, yanchor: "bottom" }, shapes,
  }, { displayModeBar: false, responsive: true });
  const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"];
  /* Colours of the theme are known late, and may change: every chart is drawn again with them. */
  const redraws = [];
  new MutationObserver(() => redraws.forEach(draw => draw()))
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const DASHES = ["solid", "dash", "dot", "dashdot"];
  const line = (name, x, y, i) =>
    ({ name, x, y, mode: "lines", line: { color: COLOURS[i % 4], dash: DASHES[i % 4] } });

  /* Means over works of F2, F1, precision, recall and the number of labels; limits are thresholds by label. */
  const measure = (given, works, limits) => {
    const sums = [0, 0, 0, 0, 0];
    works.forEach((truth, n) => {
      let named = 0, right = 0;
      for (let k = 0; k < K; k++) named += given[n * K + k] >= limits[k];
      for (const k of truth) right += given[n * K + k] >= limits[k];
      const f = b => named || truth.length ? (1 + b) * right / (b * truth.length + named) : 0;
      [f(4), f(1), named ? right / named : 0, truth.length ? right / truth.length : 0, named]
        .forEach((value, i) => sums[i] += value);
    });
    return sums.map(sum => sum / works.length);
  };
  const MEASURES = ["F2", "F1", "precision", "recall", "labels per work"];
  const SCOPES = {  // what a slider is for, in the order of the tuned thresholds
    all: [["all labels", () => true]],
    kinds: [["cultures", k => data.culture[k]], ["tags", k => !data.culture[k]]],
    quartiles: [4, 3, 2, 1].map(q => [`quartile ${q}`, k => data.quartile[k] === q]),
  };
  const SCOPE_NAMES = [["all", "all labels"], ["kinds", "cultures and tags"], ["quartiles", "quarters by frequency"]];

  const thresholds = box => {
    const table = make("table", { className: "table" });
    const plot = make("div"), sliders = make("div", { className: "sliders" });
    const [model, modelLabel] = choice("Model", same(Object.keys(data.models)), () => build());
    const [part, partLabel] = choice("Works", [["val", "validation"], ["test", "test"]], () => build());
    const [scope, scopeLabel] = choice("A threshold for", SCOPE_NAMES, () => build());
    box.append(make("p", { className: "controls" }, modelLabel, partLabel, scopeLabel), sliders,
      make("div", { className: "table-scroll" }, table), plot);
    let inputs = [], curves = [];
    const grid = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
    const given = () => scores[model.value + part.value];
    const kept = {};  // thresholds set, by model and scope: whoever looks at other works, or comes back, finds them
    const build = () => {
      const own = kept[model.value + scope.value] ??=
        SCOPES[scope.value].map(() => data.models[model.value].tuned.all[0].toFixed(2));
      sliders.replaceChildren();
      inputs = SCOPES[scope.value].map(([name], i) => {
        const input = make("input", { type: "range", min: 0.01, max: 0.99, step: 0.01, id: `explorer-${serial++}` });
        input.value = own[i];
        const output = make("output");
        input.addEventListener("input", () => { own[i] = input.value; show(); });
        sliders.append(make("label", { htmlFor: input.id }, name + " ", input, " ", output));
        return [input, output];
      });
      curves = grid.map(t => measure(given(), data.works[part.value], new Array(K).fill(t)));
      show();
    };
    const limits = values => data.labels.map((_, k) =>
      values[SCOPES[scope.value].findIndex(([, belongs]) => belongs(k))]);
    const show = () => {
      inputs.forEach(([input, output]) => { output.textContent = Number(input.value).toFixed(2); });
      const tuned = data.models[model.value].tuned[scope.value];
      const works = data.works[part.value];
      const rows = [["yours", inputs.map(([input]) => Number(input.value))],
        ["tuned, " + tuned.map(t => t.toFixed(tuned.length > 1 ? 2 : 3)).join(" / "), tuned]]
        .map(([name, values]) => [name, measure(given(), works, limits(values))]);
      const head = make("tr", {}, make("th", { scope: "col", textContent: "threshold" }),
        ...MEASURES.map(m => make("th", { scope: "col", textContent: m })));
      table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows.map(([name, values]) =>
        make("tr", {}, make("th", { scope: "row", textContent: name }), ...values.map((v, i) =>
          make("td", { className: "number", textContent: v.toFixed(i < 4 ? 3 : 1) }))))));
      const at = Number(inputs[0][0].value);
      const shapes = inputs.length > 1 ? [] : [{ type: "line", x0: at, x1: at, y0: 0, y1: 1, yref: "paper",
        line: { color: css("--pst-color-primary"), width: 2, dash: "dot" } }];
      const traces = MEASURES.slice(0, 4).map((m, i) => line(m, grid, curves.map(c => c[i]), i));
      if (inputs.length > 1)  // no place on an axis of one threshold, so a level
        traces.push({ name: "F2 of yours", x: [0, 1], y: [rows[0][1][0], rows[0][1][0]], mode: "lines",
          line: { color: css("--pst-color-primary"), width: 2, dash: "longdash" } });
      chart(plot, traces, (inputs.length > 1 ? "curves: " : "") + "one threshold for all labels", "mean over works", shapes);
    };
    build();
    redraws.push(show);
  };

  const predictions = box => {
    const [model, modelLabel] = choice("Model", same(Object.keys(data.models)), () => show());
    const [label, labelLabel] = choice("Label", [["", "any"], ...data.labels.map((name, k) => [k, name])
      .sort((a, b) => a[1].localeCompare(b[1]))], () => show());
    const [outcome, outcomeLabel] = choice("Outcome",
      [["", "any"], ["right", "right"], ["wrong", "wrong"], ["missed", "missed"]], () => show());
    const count = make("output"), cards = make("div", { className: "cards" });
    const sign = kind => make("span", { className: "sign " + kind });
    const legend = make("p", { className: "legend" }, "✓ right, ✗ against the annotator, ○ missed. On a picture that is chosen: ",
      sign("map"), " where AttnCNN-RNN looked when it named the marked label, brighter for more; ",
      sign("crop"), " the poster's crop. Maps are of the whole picture only.");
    box.append(make("p", { className: "controls" }, modelLabel, labelLabel, outcomeLabel, count), legend, cards);
    const show = () => {
      cards.replaceChildren();
      for (const picture of data.pictures) {
        const truth = data.works.test[picture.work], named = data.models[model.value].decided[picture.work];
        const of = k => truth.includes(k) ? (named.includes(k) ? "right" : "missed") : "wrong";
        const all = [...new Set([...named, ...truth])].map(k => [k, of(k)]);
        const matching = all.filter(([k, what]) => (label.value === "" || k === Number(label.value))
          && (!outcome.value || what === outcome.value));
        if (matching.length) cards.append(card(picture, all));
      }
      count.textContent = `${cards.children.length} of ${data.pictures.length} works`;
    };
    /* What a picture shows, as far as the annotator's labels tell, and which of them the model found. */
    const inWords = all => {
      const given = all.filter(([, what]) => what !== "wrong").map(([k, what]) => `${data.labels[k]} (${what})`);
      const rest = given.length > 5 ? `, and ${given.length - 5} more` : "";
      return given.length ? "Work labelled " + given.slice(0, 5).join(", ") + rest : "Work without a label";
    };
    const card = (picture, all) => {
      const image = make("img", { src: data.folder + picture.file, alt: inWords(all), loading: "lazy" });
      const frame = make("button", { type: "button", className: "frame" }, image);
      frame.setAttribute("aria-expanded", "false");
      const more = make("span", { className: "maps" });
      const list = make("ul", {}, ...all.map(([k, what]) => make("li", { className: what + (data.culture[k] ? " culture" : ""),
        textContent: { right: "✓ ", wrong: "✗ ", missed: "○ " }[what] + data.labels[k] })));
      const overlay = (weights, crop) => {
        frame.querySelectorAll(".over").forEach(each => each.remove());
        if (weights) {
          const side = Math.round(Math.sqrt(weights.length));
          frame.append(make("span", { className: "over map", style: `grid-template-columns:repeat(${side},1fr)` },
            ...weights.map(w => make("i", { style: `opacity:${w / 125}` }))));
        }
        const [l, t, r, b] = crop;
        frame.append(make("span", { className: "over crop",
          style: `left:${l * 100}%;top:${t * 100}%;width:${(r - l) * 100}%;height:${(b - t) * 100}%` }));
      };
      frame.addEventListener("click", () => {
        const open = frame.getAttribute("aria-expanded") === "false";
        frame.setAttribute("aria-expanded", String(open));
        more.replaceChildren();
        frame.querySelectorAll(".over").forEach(each => each.remove());
        if (!open) return;
        const buttons = picture.maps.map(([k]) => make("button", { type: "button", textContent: data.labels[k] }));
        const look = chosen => {
          overlay(picture.maps[chosen]?.[1], picture.crop);
          buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === chosen)));
        };
        buttons.forEach((button, i) => button.addEventListener("click", () => look(i)));
        const ofCrops = (data.models["AttnCNN-RNN"]?.decided[picture.work] ?? [])
          .filter(k => !picture.maps.some(([mapped]) => mapped === k)).map(k => data.labels[k]);
        more.append(buttons.length ? "AttnCNN-RNN, on the whole picture, looked here for"
          : "AttnCNN-RNN named no label on the whole picture: there is no map.", ...buttons);
        if (ofCrops.length) more.append("Without a map, as crops alone gave them: " + ofCrops.join(", "));
        look(0);
      });
      return make("div", { className: "card-of-work" }, frame, list, more);
    };
    show();
  };

  const roc = box => {
    const some = Object.values(data.models)[0].auc;
    const options = data.labels.map((name, k) => [k, name]).filter(([k]) => some[k])
      .sort((a, b) => a[1].localeCompare(b[1]));
    const plot = make("div");
    const [label, labelLabel] = choice("Label", options, () => show());
    const areas = make("p", { role: "status" });
    box.append(make("p", { className: "controls" }, labelLabel), areas, plot);
    const works = data.works.test;
    const uses = k => works.filter(truth => truth.includes(k)).length;
    const often = options.reduce((best, [k]) => best === null || uses(k) > uses(best) ? k : best, null);
    if (options.length) label.value = often;  // a rare label's curve has few steps, or no error at all
    const show = () => {
      const k = Number(label.value);
      const traces = [{ x: [0, 1], y: [0, 1], mode: "lines", showlegend: false, hoverinfo: "skip",
        line: { color: "#888", width: 1, dash: "dot" } }];
      const text = [];
      Object.entries(data.models).forEach(([name, model], i) => {
        const order = works.map((truth, n) => [scores[name + "test"][n * K + k], truth.includes(k)])
          .sort((a, b) => b[0] - a[0]);
        const positives = order.filter(o => o[1]).length, negatives = order.length - positives;
        const x = [0], y = [0];
        let right = 0, wrong = 0;
        order.forEach(([s, is], n) => {
          is ? right++ : wrong++;
          if (n + 1 < order.length && order[n + 1][0] === s) return;
          x.push(wrong / negatives); y.push(right / positives);
        });
        traces.push(line(name, x, y, i));
        if (model.auc[k]) text.push(`${name}: ${model.auc[k][0].toFixed(3)} [${model.auc[k][1].toFixed(2)}, ` +
          `${model.auc[k][2].toFixed(2)}]`);
      });
      areas.textContent = "Area " + text.join("; ");
      chart(plot, traces, "false positive rate", "true positive rate");
    };
    if (!options.length) return;
    show();
    redraws.push(show);
  };

  /* The table of all labels is one model's; another's numbers take their place, row by row. */
  const ofLabels = table => {
    const rows = [...table.tBodies[0].rows];  // in the order of the labels, before anybody sorts
    const columns = ["AUC", "F2", "average precision"].map(name =>
      [...table.tHead.rows[0].cells].findIndex(cell => cell.innerText.trim().startsWith(name)));
    const [model, modelLabel] = choice("Model", same(Object.keys(data.models)), () => {
      table.querySelectorAll("th").forEach(heading => heading.removeAttribute("aria-sort"));
      data.models[model.value].labels.forEach((measures, k) => {
        const cells = columns.map(column => rows[k].cells[column]);
        if (!measures) return cells.forEach(cell => { cell.textContent = "–"; });
        const [auc, low, high, f2, precision] = measures;
        cells[0].replaceChildren(auc.toFixed(3) + "\n", make("span", { className: "interval",
          textContent: `[${low.toFixed(2)}, ${high.toFixed(2)}]` }));
        cells[1].textContent = f2.toFixed(3);
        cells[2].textContent = precision.toFixed(3);
      });
    });
    (table.closest(".table-scroll") || table).before(make("p", { className: "model-of-table" }, modelLabel));
  };

  const labelTable = document.querySelector("table.of-labels");
  if (labelTable) ofLabels(labelTable);
  for (const [id, start] of [["threshold", thresholds], ["predictions", predictions], ["roc", roc]]) {
    const box = document.getElementById("explore-" + id);
    if (box) start(box);
  }
})();
