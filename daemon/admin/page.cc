#include "daemon/admin/page.h"

namespace sluice::admin {

// Everything that the API says is put in as text, never as markup.
const std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sluice</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 72rem; padding: 0 1rem; color: #1d2530; background: #fff; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .3rem; } h2 small { font-weight: normal; color: #667; }
table { border-collapse: collapse; width: 100%; margin: .3rem 0; } th, td { text-align: left; padding: .2rem .6rem .2rem 0; }
th { font-weight: 600; color: #556; border-bottom: 1px solid #ccd; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.state { padding: .05rem .5rem; border-radius: .6rem; background: #e6e9ef; font-size: .85rem; }
.running { background: #d6f0dc; } .failed { background: #f8d3d3; } .backing_off { background: #fbe7c2; }
.error { color: #a11; } #note { color: #667; }
@media (prefers-color-scheme: dark) { body { color: #d7dce4; background: #15191f; } th { color: #9aa5b5; border-color: #333b47; }
.state { background: #333b47; } .running { background: #1f5130; } .failed { background: #6b2323; } .backing_off { background: #66501c; }
.error { color: #ff8f8f; } }
</style>
<h1>sluice <small id="version"></small></h1>
<p id="note" role="status">Loading</p>
<form id="login" hidden><label>Token <input id="token" type="password" autocomplete="off"></label> <button>Show</button></form>
<main id="pipelines"></main>
<script>
"use strict";
let token = "";
const by = (id) => document.getElementById(id);
function el(name, text, kind) {
  const e = document.createElement(name);
  if (text !== undefined && text !== null) e.textContent = text;
  if (kind) e.className = kind;
  return e;
}
async function ask(path) {
  const answer = await fetch(path, token ? {headers: {Authorization: "Bearer " + token}} : {});
  if (answer.status === 401) throw new Error("token");
  if (!answer.ok) throw new Error(path + ": " + answer.status);
  return path === "/metrics" ? answer.text() : answer.json();
}
function table(head, rows) {
  const t = el("table"), line = t.createTHead().insertRow();
  head.forEach((h) => line.append(el("th", h.replace("#", ""), h.startsWith("#") ? "n" : "")));
  const body = t.createTBody();
  rows.forEach((cells) => {
    const r = body.insertRow();
    cells.forEach((c, i) => r.append(el("td", c, head[i].startsWith("#") ? "n" : "")));
  });
  return t;
}
function stored(metrics, pipeline) {
  let sum = null;
  for (const line of metrics.split("\n")) {
    if (!line.startsWith("sluice_dead_letters_stored{") || !line.includes('pipeline="' + pipeline + '"')) continue;
    sum = (sum || 0) + Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}
function show(p, books, letters) {
  const part = el("section"), title = el("h2", p.name + " ");
  title.append(el("span", p.state, "state " + p.state), el("small", " since " + (p.since || "?") +
    (p.restarts ? ", restarted " + p.restarts + " times" : "")));
  part.append(title);
  if (p.last_error) part.append(el("p", p.last_error.code + ": " + p.last_error.message + " (" + p.last_error.at + ")", "error"));
  part.append(table(["source", "type", "#lag, s"], p.sources.map((s) =>
    [s.name, s.type, s.lag_seconds === null ? "not known" : s.lag_seconds.toFixed(1)])));
  const names = ["in", "created", "filtered", "deduplicated", "dead_lettered", "skipped", "out", "in_flight"];
  const rows = books.lanes.map((lane) => {
    const sink = p.sinks.find((s) => s.sink === lane.sink || s.name === lane.sink) || {};
    return [lane.sink, sink.guarantee || ""].concat(names.map((n) => lane[n]));
  });
  part.append(table(["sink", "guarantee"].concat(names.map((n) => "#" + n.replace("_", " "))), rows));
  if (letters !== null) part.append(el("p", letters + " dead letters wait for a decision" + (letters ? ": sluice dlq list " + p.name : "")));
  return part;
}
async function refresh() {
  try {
    const [version, list, metrics] = await Promise.all([ask("/api/v1/version"), ask("/api/v1/pipelines"), ask("/metrics")]);
    const parts = await Promise.all(list.map(async (p) => {
      const books = await ask("/api/v1/pipelines/" + encodeURIComponent(p.name) + "/books");
      return show(p, books, stored(metrics, p.name));
    }));
    by("version").textContent = version.version;
    by("pipelines").replaceChildren(...parts);
    by("login").hidden = true;
    by("note").textContent = "As of " + new Date().toISOString() + "; " + list.length + " pipelines";
  } catch (error) {
    by("login").hidden = error.message !== "token";
    by("note").textContent = error.message === "token" ? "This daemon asks for its token." : "Not reachable: " + error.message;
  }
}
by("login").addEventListener("submit", (event) => { event.preventDefault(); token = by("token").value; refresh(); });
refresh();
setInterval(() => { if (by("login").hidden) refresh(); }, 3000);
</script>
</html>
)html";

}  // namespace sluice::admin
