// The sandbox ad: it runs only while it is seen, and then posts its form. The server alone decides what it pays.

const ad = document.getElementById("ad");
const bar = document.getElementById("ad-progress");
const left = document.getElementById("ad-left");
const form = document.getElementById("ad-done");
const total = Number(ad.dataset.seconds) * 1000;
const words = left.textContent;
let seen = 0;
let last = performance.now();
let shown = -1;

function finish() {
  left.textContent = "Done. Asking for your token…";
  const button = form.querySelector("button[type=submit]");
  // If sending fails for want of a network, the button lets the viewer send it by hand.
  setTimeout(() => { button.hidden = false; }, 3000);
  form.requestSubmit();
}

function tick(now) {
  if (document.visibilityState === "visible") seen += Math.min(now - last, 250);
  last = now;
  bar.value = Math.min(bar.max, Math.round(seen / 100));
  const seconds = Math.max(0, Math.ceil((total - seen) / 1000));
  if (seconds !== shown) {
    shown = seconds;
    left.textContent = words.replace(/[0-9]+/, String(seconds));
  }
  if (seen >= total) finish();
  else requestAnimationFrame(tick);
}

requestAnimationFrame(tick);
