// The player: HLS through hls.js (or the browser's own), captions, quality, speed, resume, next episode, heartbeats.
// The server counts what was watched; the positions sent from here are only where to resume.

const root = document.getElementById("player");
const video = root.querySelector("video");
const seek = root.querySelector(".seek");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const acts = (name) => root.querySelectorAll(`[data-act="${name}"]`);
const csrf = document.querySelector('meta[name="csrf-token"]').content;
const resumeAt = Number(root.dataset.resume) || 0;
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const IDLE_MS = 2800;
const NEXT_BEFORE_S = 8;

const REASONS = {
  offline: ["You are offline", "The film goes on where it stopped as soon as the network is back."],
  network: ["The pictures do not arrive", "The network is slow or gone. Your place is kept."],
  ended: ["This session has run out", "Start again and you go on from the same place. Nothing is spent twice."],
  key: ["This session may not play", "The title's key was refused. Load the page again; if you opened it elsewhere, stop it there."],
  media: ["This browser cannot play it", "Try a newer browser, or another device."],
};

let hls = null;
let recovered = false;
let started = false;
let stayed = false;
let menuFor = null;

const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const h = Math.floor(whole / 3600);
  const m = Math.floor(whole / 60) % 60;
  const s = String(whole % 60).padStart(2, "0");
  return h ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
};
const icon = (button, name) => button.querySelector("use").setAttribute("href", `/static/img/icons.svg#${name}`);

// ---- loading and what goes wrong
function fail(reason, words) {
  const [headline, text] = REASONS[reason] ?? REASONS.network;
  part("headline").textContent = headline;
  part("text").textContent = words || text;
  part("message").hidden = false;
  part("wait").hidden = true;
  video.pause();
  root.dataset.failed = reason;
  acts("again")[0].focus();
}

function reasonOf(data) {
  if (!navigator.onLine) return "offline";
  const status = data.response?.code ?? 0;
  if (data.details === Hls.ErrorDetails.KEY_LOAD_ERROR || data.details === Hls.ErrorDetails.KEY_LOAD_TIMEOUT) return "key";
  if (status === 401 || status === 403 || status === 410) return "ended";
  return data.type === Hls.ErrorTypes.MEDIA_ERROR ? "media" : "network";
}

function load() {
  const source = root.dataset.playlist;
  if (window.Hls?.isSupported()) {
    hls = new Hls({ capLevelToPlayerSize: true, startPosition: -1, enableWorker: true });
    hls.on(Hls.Events.ERROR, (_, data) => {
      const status = data.response?.code ?? 0;
      // hls.js would ask eight times more; a refused key is refused.
      const refused = data.details === Hls.ErrorDetails.KEY_LOAD_ERROR && status >= 400 && status < 500;
      if (!data.fatal && !refused) return;
      if (refused) hls.stopLoad();
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && !recovered) {
        recovered = true;
        hls.recoverMediaError();
        return;
      }
      fail(reasonOf(data));
    });
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      acts("quality")[0].hidden = hls.levels.length < 2;
    });
    hls.loadSource(source);
    hls.attachMedia(video);
  } else if (video.canPlayType("application/vnd.apple.mpegurl")) {
    video.src = source;
    video.addEventListener("error", () => fail(navigator.onLine ? "ended" : "offline"));
  } else {
    fail("media");
  }
}

acts("again")[0].addEventListener("click", () => location.reload());
addEventListener("online", () => {
  if (root.dataset.failed === "offline" || root.dataset.failed === "network") location.reload();
});

// ---- playing
async function play() {
  try {
    await video.play();
    return true;
  } catch (error) {
    if (error.name === "NotSupportedError") fail("media");
    // A browser that wants a tap first leaves the big button standing.
    return error.name !== "NotAllowedError";
  }
}

// Whoever comes from one of our pages has pressed a button that says it plays. A reload or a typed address has not.
function wasAsked() {
  const [arrival] = performance.getEntriesByType("navigation");
  return arrival?.type === "navigate" && document.referrer.startsWith(`${location.origin}/`);
}

async function playOnArrival() {
  if (!wasAsked() || (await play())) return;
  // A browser may refuse sound before a tap on this page; the pictures may run, and one tap brings the sound.
  video.muted = true;
  if (await play()) part("unmute").hidden = false;
  else video.muted = false;
}
const toggle = () => (video.paused ? play() : video.pause());

function offerResume() {
  const worth = resumeAt > 5 && (!video.duration || resumeAt < video.duration - 10);
  if (!worth) return false;
  part("resume").hidden = false;
  acts("toggle")[0].hidden = true;
  return true;
}

function begin(position) {
  part("resume").hidden = true;
  video.currentTime = position;
  play();
  root.querySelector(".player-keys [data-act=toggle]").focus({ preventScroll: true });
}

function sync() {
  const paused = video.paused;
  for (const button of acts("toggle")) {
    button.setAttribute("aria-label", paused ? "Play" : "Pause");
    icon(button, paused ? "play" : "pause");
  }
  acts("toggle")[0].hidden = !paused || !part("resume").hidden || !part("message").hidden;
  for (const button of acts("mute")) {
    button.setAttribute("aria-pressed", String(video.muted));
    icon(button, video.muted ? "mute" : "sound");
  }
  if (!video.muted) part("unmute").hidden = true;
  if (paused) wake();
}

function time() {
  const end = video.duration || Number(root.dataset.duration) || 0;
  if (end) {
    seek.max = Math.ceil(end);
    part("end").textContent = clock(end);
  }
  if (!seek.matches(":active")) seek.value = Math.floor(video.currentTime);
  part("now").textContent = clock(video.currentTime);
  seek.setAttribute("aria-valuetext", `${clock(video.currentTime)} of ${clock(end)}`);
  seek.style.setProperty("--fill", `${(100 * Number(seek.value)) / (Number(seek.max) || 1)}%`);
  const card = part("next");
  if (card && started && !stayed && end && end - video.currentTime < NEXT_BEFORE_S) card.hidden = false;
}

video.addEventListener("loadedmetadata", () => { time(); if (!started && !offerResume()) playOnArrival(); });
video.addEventListener("timeupdate", time);
video.addEventListener("play", () => { started = true; part("resume").hidden = true; sync(); wake(); beat(); });
video.addEventListener("pause", () => { sync(); beat(); });
video.addEventListener("volumechange", sync);
video.addEventListener("waiting", () => { part("wait").hidden = false; });
video.addEventListener("playing", () => { part("wait").hidden = true; });
video.addEventListener("seeked", () => { part("wait").hidden = true; time(); });
video.addEventListener("ended", () => {
  beat();
  if (part("next") && !stayed) {
    part("next").hidden = false;
    part("next-link").focus({ preventScroll: true });
  }
});

seek.addEventListener("input", () => { video.currentTime = Number(seek.value); time(); });

// ---- the controls fade while nothing happens
let idle = 0;
function wake() {
  root.classList.remove("is-idle");
  clearTimeout(idle);
  const busy = () => video.paused || menuFor || !part("message").hidden || root.querySelector(".player-bar :focus-visible");
  idle = setTimeout(() => { if (!busy()) root.classList.add("is-idle"); }, IDLE_MS);
}
for (const event of ["pointermove", "pointerdown", "focusin", "keydown"]) root.addEventListener(event, wake);

video.addEventListener("click", () => {
  if (menuFor) return closeMenu();
  // A finger first brings the controls back; a mouse has them already.
  if (matchMedia("(hover: none)").matches && root.classList.contains("is-idle")) return wake();
  return toggle();
});

// ---- menus
function closeMenu() {
  part("menu").hidden = true;
  menuFor?.setAttribute("aria-expanded", "false");
  menuFor?.focus({ preventScroll: true });
  menuFor = null;
}

function openMenu(button, name, choices) {
  if (menuFor === button) return closeMenu();
  const menu = part("menu");
  menu.setAttribute("aria-label", name);
  menu.replaceChildren(...choices.map(({ label, on, pick }) => {
    const item = document.createElement("button");
    item.type = "button";
    item.textContent = label;
    item.setAttribute("role", "menuitemradio");
    item.setAttribute("aria-checked", String(on));
    item.addEventListener("click", () => { pick(); closeMenu(); });
    return item;
  }));
  menuFor?.setAttribute("aria-expanded", "false");
  menu.hidden = false;
  menuFor = button;
  button.setAttribute("aria-expanded", "true");
  (menu.querySelector('[aria-checked="true"]') ?? menu.firstElementChild)?.focus({ preventScroll: true });
}

part("menu").addEventListener("keydown", (event) => {
  const items = [...part("menu").children];
  const at = items.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    items[(at + step + items.length) % items.length].focus();
    event.preventDefault();
  } else if (event.key === "Escape") {
    closeMenu();
  }
  event.stopPropagation();
});

const captionTracks = () => [...video.textTracks].filter((track) => ["captions", "subtitles"].includes(track.kind));
function showCaptions(chosen) {
  for (const track of captionTracks()) track.mode = track === chosen ? "showing" : "disabled";
  acts("captions")[0].setAttribute("aria-pressed", String(Boolean(chosen)));
}
function chooseCaptions(chosen) {
  showCaptions(chosen);
  try { localStorage.setItem("buddy.captions", chosen ? chosen.language : ""); } catch { /* Private windows may refuse. */ }
}

function findCaptions() {
  const tracks = captionTracks();
  acts("captions")[0].hidden = tracks.length === 0;
  if (!tracks.length) return;
  let wanted = null;
  try { wanted = localStorage.getItem("buddy.captions"); } catch { /* As above. */ }
  const preset = root.querySelector("track[data-default]")?.srclang;
  const language = wanted ?? preset ?? "";
  showCaptions(language ? tracks.find((track) => track.language === language) ?? null : null);
}
video.textTracks.addEventListener("addtrack", findCaptions);
findCaptions();

acts("captions")[0].addEventListener("click", (event) => {
  const tracks = captionTracks();
  const off = { label: "Off", on: tracks.every((track) => track.mode !== "showing"), pick: () => chooseCaptions(null) };
  openMenu(event.currentTarget, "Captions", [off, ...tracks.map((track) => ({
    label: track.label || track.language, on: track.mode === "showing", pick: () => chooseCaptions(track),
  }))]);
});
acts("speed")[0].addEventListener("click", (event) => {
  openMenu(event.currentTarget, "Speed", SPEEDS.map((speed) => ({
    label: speed === 1 ? "Normal" : `${speed}×`, on: video.playbackRate === speed, pick: () => { video.playbackRate = speed; },
  })));
});
acts("quality")[0].addEventListener("click", (event) => {
  const levels = hls.levels.map((level, index) => ({
    label: `${level.height}p`, height: level.height, on: !hls.autoLevelEnabled && hls.currentLevel === index,
    pick: () => { hls.nextLevel = index; },
  })).sort((a, b) => b.height - a.height);
  const now = hls.autoLevelEnabled && hls.levels[hls.currentLevel] ? `Auto (${hls.levels[hls.currentLevel].height}p)` : "Auto";
  openMenu(event.currentTarget, "Picture quality", [{ label: now, on: hls.autoLevelEnabled, pick: () => { hls.nextLevel = -1; } }, ...levels]);
});

// ---- buttons and keys
const full = () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (root.requestFullscreen) root.requestFullscreen();
  else video.webkitEnterFullscreen?.();
};
const mute = () => { video.muted = !video.muted; };
const jump = (seconds) => { video.currentTime = Math.min(Math.max(0, video.currentTime + seconds), video.duration || 0); };

for (const button of acts("toggle")) button.addEventListener("click", toggle);
acts("mute")[0].addEventListener("click", mute);
part("unmute").addEventListener("click", mute);
acts("full")[0].addEventListener("click", full);
acts("resume")[0].addEventListener("click", () => begin(resumeAt));
acts("restart")[0].addEventListener("click", () => begin(0));
acts("stay")[0]?.addEventListener("click", () => { stayed = true; part("next").hidden = true; });

const KEYS = {
  " ": toggle, k: toggle, ArrowLeft: () => jump(-10), ArrowRight: () => jump(10), j: () => jump(-10), l: () => jump(10),
  ArrowUp: () => { video.volume = Math.min(1, video.volume + 0.1); }, ArrowDown: () => { video.volume = Math.max(0, video.volume - 0.1); },
  m: mute, f: full, c: () => acts("captions")[0].click(),
  Home: () => { video.currentTime = 0; }, n: () => part("next-link")?.click(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !part("message").hidden) return;
  const onControl = event.target.closest?.("button, a, select, input:not(.seek)");
  if (onControl && (event.key === " " || event.key === "Enter")) return;
  if (event.target === seek && event.key.startsWith("Arrow")) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || (document.activeElement?.closest?.(".watch-info") && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  act();
  wake();
});

// ---- heartbeats
async function beat(leaving = false) {
  const url = root.dataset.heartbeat;
  if (!url || !started || root.dataset.failed) return;
  const message = JSON.stringify({ position_s: Math.floor(video.currentTime), playing: !video.paused && !video.ended && !leaving });
  try {
    const answer = await fetch(url, {
      method: "POST", body: message, keepalive: leaving, credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    });
    // The server ends a session that may not go on (another device, an ended right); other trouble is its own.
    if ([401, 403, 409, 410, 422].includes(answer.status)) {
      const problem = await answer.json().catch(() => ({}));
      fail("ended", problem.detail);
    }
  } catch {
    // A beat lost on the way is not worth stopping the film for; the next one says the same.
  }
}
setInterval(() => { if (!video.paused) beat(); }, (Number(root.dataset.every) || 10) * 1000);
addEventListener("pagehide", () => beat(true));

load();
sync();
time();
