// A frame to look into: zoom, pan, two attempts against each other, exposure. Works on any [data-stage], on the frame's own
// page and in the viewer of the job's page. Without it the picture is shown to fit, attempts and exposures are links.

const STEPS = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16];
const PIXELATED_FROM = 3; // from it on every pixel is to be seen as one
const LARGEST_FIT = 2; // a small frame is made larger to fit, but not beyond this

class Stage {
  constructor(root) {
    this.root = root;
    this.view = root.querySelector(".stage-view");
    this.a = root.querySelector(".stage-a");
    this.b = root.querySelector(".stage-b");
    this.width = Number(root.dataset.width);
    this.height = Number(root.dataset.height);
    this.scale = null; // null: fits
    root.classList.add("is-scripted");
    if (!this.a) return;
    this.comeInSteps();
    this.listen();
    this.draw();
  }

  part(selector) { return this.root.querySelector(selector); }

  /** The small picture stands behind the preview until that has come. */
  comeInSteps() {
    const { thumb } = this.a.dataset;
    if (!thumb || this.a.complete) return;
    this.a.style.backgroundImage = `url("${thumb}")`;
    this.a.decode().catch(() => {}).then(() => { this.a.style.backgroundImage = ""; });
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const zoom = event.target.closest("[data-zoom]")?.dataset.zoom;
      if (zoom) this.zoom(zoom);
      const side = event.target.closest("[data-ab]")?.dataset.ab;
      if (side) this.compare(side);
    });
    this.view.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.view.addEventListener("keydown", (event) => this.key(event));
    this.view.addEventListener("dblclick", (event) => this.to(this.scale === null ? 1 : null, event));
    this.drag();
    this.part("[data-ab-slider]")?.addEventListener("input", () => this.slide());
    this.part("#stage-stops")?.addEventListener("change", (event) => this.expose(Number(event.target.value)));
    new ResizeObserver(() => this.draw()).observe(this.view);
    window.addEventListener("resize", () => this.settle());
    this.settle();
  }

  /** On its own page the box is as tall as the frame at this width wants it; in the viewer the window decides. */
  settle() {
    if (this.root.closest("dialog")) return;
    const wanted = this.height * Math.min(LARGEST_FIT, this.view.clientWidth / this.width);
    this.view.style.height = `${Math.max(160, Math.min(wanted, window.innerHeight * 0.72))}px`;
  }

  // Zoom

  /** The scale at which the whole frame is seen, as large as there is room; a tiny one is made larger only so far. */
  get fitting() {
    return Math.min(LARGEST_FIT, this.view.clientWidth / this.width, this.view.clientHeight / this.height);
  }

  get shownScale() { return this.scale ?? this.fitting; }

  zoom(verb) {
    if (verb === "fit") this.to(null);
    else if (verb === "whole") this.to(1);
    else if (verb === "in") this.to(STEPS.find((step) => step > this.shownScale * 1.01) ?? STEPS.at(-1));
    else this.to(STEPS.findLast((step) => step < this.shownScale * 0.99) ?? STEPS[0]);
  }

  /** To a scale, with the point under the pointer (else the middle) staying where it is. */
  to(scale, at = null) {
    const box = this.view.getBoundingClientRect();
    const x = at ? at.clientX - box.left : box.width / 2;
    const y = at ? at.clientY - box.top : box.height / 2;
    const before = this.shownScale;
    const left = (this.view.scrollLeft + x) / before;
    const top = (this.view.scrollTop + y) / before;
    this.scale = scale === null ? null : Math.min(STEPS.at(-1), Math.max(STEPS[0], scale));
    this.draw();
    this.view.scrollLeft = left * this.shownScale - x;
    this.view.scrollTop = top * this.shownScale - y;
  }

  draw() {
    const scale = this.shownScale;
    for (const image of [this.a, this.b]) {
      if (!image) continue;
      image.style.width = `${Math.max(1, this.width * scale)}px`;
      image.style.height = `${Math.max(1, this.height * scale)}px`;
      image.style.imageRendering = scale >= PIXELATED_FROM ? "pixelated" : "";
    }
    this.view.classList.toggle("is-zoomed", this.scale !== null && scale > this.fitting);
    this.press("[data-zoom=fit]", this.scale === null);
    this.press("[data-zoom=whole]", this.scale === 1);
    const words = this.part(".stage-scale");
    if (words) words.textContent = `${Math.round(scale * 100)} %`;
    this.sharpen(scale);
  }

  /** Closer than the preview knows: the frame itself. */
  sharpen(scale) {
    const { full } = this.root.dataset;
    const preview = Math.min(1, 1280 / Math.max(this.width, this.height));
    if (!full || this.sharp || scale <= preview || this.scale === null) return;
    this.sharp = true;
    const image = new Image();
    image.src = full;
    image.decode().then(() => { this.a.src = full; }).catch(() => {});
  }

  press(selector, isPressed) { this.part(selector)?.setAttribute("aria-pressed", String(isPressed)); }

  wheel(event) {
    if (event.shiftKey) return;
    event.preventDefault();
    this.to(this.shownScale * Math.exp(-event.deltaY / 400), event);
  }

  key(event) {
    const verbs = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "whole" };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in verbs) this.zoom(verbs[event.key]);
    else if (this.b && "ab".includes(event.key.toLowerCase())) this.compare(event.key.toLowerCase());
    else if (this.scale !== null || !this.step(event.key)) return;
    event.preventDefault();
  }

  /** While the whole frame is seen, arrows turn frames; closer in they move the picture, as in any scrolled box. */
  step(key) {
    const address = { ArrowLeft: this.root.dataset.previous, ArrowRight: this.root.dataset.next }[key];
    if (!address) return false;
    const event = new CustomEvent("stage-step", { bubbles: true, cancelable: true, detail: { address } });
    if (this.root.dispatchEvent(event)) location.href = address;
    return true;
  }

  // Pan by the mouse, pinch by two fingers; one finger scrolls by itself

  drag() {
    const fingers = new Map();
    let apart = 0;
    const spread = () => {
      const [one, two] = [...fingers.values()];
      return { apart: Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY), clientX: (one.clientX + two.clientX) / 2, clientY: (one.clientY + two.clientY) / 2 };
    };
    this.view.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      if (fingers.size === 2) apart = spread().apart;
      if (event.pointerType === "mouse" && event.button === 0 && this.scale !== null) {
        this.view.setPointerCapture(event.pointerId);
        event.preventDefault();
        this.view.focus({ preventScroll: true });
      }
    });
    this.view.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      fingers.set(event.pointerId, event);
      if (fingers.size === 2) {
        const now = spread();
        if (apart) this.to(this.shownScale * (now.apart / apart), now);
        apart = now.apart;
      } else if (event.pointerType === "mouse") {
        this.view.scrollBy(before.clientX - event.clientX, before.clientY - event.clientY);
      }
    });
    for (const over of ["pointerup", "pointercancel", "pointerleave"]) {
      this.view.addEventListener(over, (event) => { fingers.delete(event.pointerId); apart = 0; });
    }
  }

  // Two attempts

  compare(side) {
    if (!this.b.src) this.b.src = this.b.dataset.src;
    this.b.hidden = side === "a";
    this.part(".stage-slider").hidden = side !== "both";
    for (const each of ["a", "b", "both"]) this.press(`[data-ab=${each}]`, each === side);
    this.b.style.clipPath = "";
    if (side === "both") this.slide();
  }

  slide() {
    this.b.style.clipPath = `inset(0 0 0 ${this.part("[data-ab-slider]").value}%)`;
  }

  // Exposure

  expose(stops) {
    this.preview ??= this.a.src;
    this.a.src = stops ? `${this.root.dataset.exposure}${stops}/` : this.preview;
  }
}

export function stageIn(root) {
  const found = root.querySelector("[data-stage]");
  return found && new Stage(found);
}

const own = document.querySelector("main [data-stage]");
if (own) new Stage(own);
