// With grid.js, which it brings: a page that named both would run that twice, as names of files carry hashes in production.
// Keys in the grid of frames: arrows go by frame and by row, Home and End to the window's ends, Page keys to its neighbours.
// Whoever walks out of the window comes into the next one.
import { strip, tiles, turn } from "./grid.js";

const rowOf = (all) => all.filter((tile) => tile.offsetTop === all[0].offsetTop).length;
const PLACES = {
  ArrowLeft: (place) => place - 1,
  ArrowRight: (place) => place + 1,
  ArrowUp: (place, all) => place - rowOf(all),
  ArrowDown: (place, all) => place + rowOf(all),
  Home: () => 0,
  End: (_, all) => all.length - 1,
};
const WINDOWS = { PageUp: "prev", PageDown: "next" };

const neighbour = (way) => strip().querySelector(`.map a[rel="${way}"]`);

/** Turn to the window that a link names, and focus the tile at a place of it. */
async function enter(link, place) {
  await turn(new URL(link.href).searchParams.toString());
  const all = tiles();
  all.at(Math.min(place, all.length - 1))?.focus();
}

function go(place, all) {
  if (all[place]) return void all[place].focus();
  const link = neighbour(place < 0 ? "prev" : "next");
  if (link) enter(link, place < 0 ? -1 : 0);
}

document.addEventListener("keydown", (event) => {
  const tile = event.target.closest?.("#job-strip [data-view]");
  if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = tiles();
  const link = event.key in WINDOWS && neighbour(WINDOWS[event.key]);
  if (link) enter(link, all.indexOf(tile));
  else if (event.key in PLACES) go(PLACES[event.key](all.indexOf(tile), all), all);
  else return;
  event.preventDefault();
});
