"use strict";
const at = (id) => document.getElementById(id);

function remembered(place) {  // a browser may keep nothing for a file: then a closed page begins anew
  try { return JSON.parse(localStorage.getItem(place)) || {}; } catch { return {}; }
}

function remember(place, what) {
  try { localStorage.setItem(place, JSON.stringify(what)); } catch { /* as above */ }
}

function turnTo(section, done, of, count) {
  for (const one of document.querySelectorAll("main > section")) one.hidden = one.id !== section;
  at("progress").max = of || 1;
  at("progress").value = done;
  at("count").textContent = count;
  scrollTo(0, 0);
}

function offer(result) {
  at("result").value = JSON.stringify(result, null, 1);
  at("save").href = "data:application/json;charset=utf-8," + encodeURIComponent(at("result").value + "\n");
}

async function copy() {
  at("result").select();
  try { await navigator.clipboard.writeText(at("result").value); } catch { document.execCommand("copy"); }
  at("copy").textContent = "Copied";
}

