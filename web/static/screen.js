// Renews the code on the screen. It trusts the server's times and a clock of its own, never the date of the device. What changes in words (another
// colour, a suspension) is left to the server: the page is loaded anew.
(function () {
  "use strict";
  var page = document.getElementById("screen");
  var image = document.getElementById("screen-code");
  var left = document.getElementById("screen-left");
  var box = document.getElementById("screen-box");
  var trouble = document.getElementById("screen-trouble");
  var retry = 5; // seconds after a failed attempt
  var renew = Number(page.dataset.renew);
  var ends = 0, next = 0, asking = false;

  // now counts seconds. The steady clock may stand still while the device sleeps, the other one may be set: the larger step counts.
  var steady = performance.now(), dated = Date.now(), passed = 0;
  function now() {
    var a = performance.now(), b = Date.now();
    passed += Math.max(a - steady, b - dated, 0) / 1000;
    steady = a;
    dated = b;
    return passed;
  }

  function show(code) {
    if (page.dataset.state !== "valid" || code.colour !== page.dataset.colour) {
      location.reload();
      return;
    }
    image.src = "data:image/svg+xml," + encodeURIComponent(code.svg);
    renew = code.renew_after;
    start((Date.parse(code.expires_at) - Date.parse(code.server_time)) / 1000);
  }

  function start(seconds) {
    ends = now() + seconds;
    next = now() + renew;
    trouble.textContent = "";
    box.hidden = false;
    draw();
  }

  function draw() {
    var rest = Math.max(0, Math.ceil(ends - now()));
    left.textContent = String(rest);
    if (rest === 0 && !box.hidden) { // an ended code is not held out
      box.hidden = true;
      trouble.textContent = trouble.dataset.words;
    }
  }

  function ask() {
    if (asking) {
      return;
    }
    asking = true;
    next = now() + retry;
    var stop = new AbortController();
    var limit = setTimeout(function () { stop.abort(); }, 10000);
    fetch(page.dataset.api, {headers: {Accept: "application/json"}, cache: "no-store", signal: stop.signal}).then(function (answer) {
      if (answer.ok) {
        return answer.json().then(show);
      }
      if (answer.status === 409 && page.dataset.state === "valid") {
        location.reload();
      }
      next = now() + renew;
    }).catch(function () {
      // no network: next says when to try again
    }).finally(function () {
      clearTimeout(limit);
      asking = false;
    });
  }

  function tick() {
    if (page.dataset.state === "valid") {
      draw();
    }
    if (now() >= next && !document.hidden) {
      ask();
    }
  }

  if (page.dataset.state === "valid") {
    start(Number(page.dataset.left));
  } else {
    next = now() + renew;
  }
  setInterval(tick, 500);
  document.addEventListener("visibilitychange", tick);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) { // brought back from the history: as old as it may be
      ask();
    }
  });
})();
