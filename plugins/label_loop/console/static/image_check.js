// Checks a file before it is uploaded. The server checks again: this only saves a useless upload.

/**
 * What Rekognition takes, as the server says.
 *
 * @typedef {object} Limits
 * @property {number} largest_bytes
 * @property {number} shortest_side_px
 * @property {number} longest_side_px
 * @property {number} largest_aspect_ratio the longer side by the shorter one
 */

const PNG = [0x89, 0x50, 0x4e, 0x47];
const JPEG = [0xff, 0xd8, 0xff];

/**
 * Return why a file cannot be used, or null.
 *
 * @param {File} file
 * @param {Limits} limits
 * @returns {Promise<string | null>}
 */
export async function fileProblem(file, limits) {
  if (file.size === 0) {
    return "the file is empty";
  }
  if (file.size > limits.largest_bytes) {
    return "larger than 15 MB";
  }
  let head;
  try {
    head = new Uint8Array(await file.slice(0, PNG.length).arrayBuffer());
  } catch {
    return "the file can no longer be read; choose it again";
  }
  if (![PNG, JPEG].some((kind) => kind.every((byte, n) => head[n] === byte))) {
    return "not a PNG or JPEG";
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null; // the server may read what this browser cannot
  }
  const { width, height } = bitmap;
  bitmap.close();
  return sizeProblem(width, height, limits);
}

/**
 * @param {number} width
 * @param {number} height
 * @param {Limits} limits
 */
function sizeProblem(width, height, limits) {
  const [shorter, longer] = [Math.min(width, height), Math.max(width, height)];
  if (shorter < limits.shortest_side_px || longer > limits.longest_side_px) {
    return `${width} x ${height} px: each side must be ${limits.shortest_side_px} to ${limits.longest_side_px} px`;
  }
  if (longer > limits.largest_aspect_ratio * shorter) {
    return `${width} x ${height} px: the aspect ratio must be at most ${limits.largest_aspect_ratio} to 1`;
  }
  return null;
}
