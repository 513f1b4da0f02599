// What was dropped or chosen, as [{path, file}]: folders are walked, paths stay relative to what was dropped.

const NOISE = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini)$|(^|\/)(__MACOSX|\.git)\/|\.blend\d+$/;

const useful = (entries) => entries.filter(({ path }) => !NOISE.test(path)).sort((a, b) => (a.path < b.path ? -1 : 1));

/** From <input type=file>, also of a whole folder. */
export function chosenFiles(list) {
  return useful([...list].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** From a drop. The entries must be taken before the first await: the list is empty afterwards. */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return chosenFiles(transfer.files);
  return useful((await Promise.all(entries.map(walk))).flat());
}

async function walk(entry) {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) return [{ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) }];
  return (await Promise.all((await children(entry)).map(walk))).flat();
}

/** readEntries gives a hundred at a time. */
async function children(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
