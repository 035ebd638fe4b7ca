/**
 * A picture of a frame as SVG, with what `drawFrame` shows as text: boxes from the highest address down, their distances
 * from the CFA and from SP, and where registers point. It stands alone (no script, no font, no outer style) and takes the
 * reader's colour scheme.
 */

import type { FrameArchitecture } from './architecture.ts'
import { type FramePicture, type PictureSlot, pictureOf } from './picture.ts'
import type { FrameArea } from './plan.ts'
import type { FrameRecord } from './record.ts'
import { UNKNOWN } from './state.ts'

/** All in pixels of the picture's own size. */
const MARGIN = 16
const BOX_LEFT = 160
const BOX_WIDTH = 240
const ARROW = 36
const POINTER_WIDTH = 110
const LINE = 24
const TITLE = 30

const style = `
  text { font: 13px ui-monospace, 'SF Mono', Menlo, Consolas, monospace; fill: #1f2328; }
  .title { font-weight: 600; }
  .offset { fill: #656d76; text-anchor: end; }
  .name { text-anchor: middle; }
  .box { stroke: #8c959f; }
  .return { fill: #ffd8b5; } .saved { fill: #cfe8ff; } .area { fill: #dcf5dd; } .gap { fill: #f6f8fa; }
  .pointer { stroke: #1f2328; fill: none; marker-end: url(#head); }
  #head path { fill: #1f2328; }
  @media (prefers-color-scheme: dark) {
    text, #head path { fill: #e6edf3; } .offset { fill: #9198a1; } .pointer { stroke: #e6edf3; } .box { stroke: #656d76; }
    .return { fill: #6b3d12; } .saved { fill: #123e63; } .area { fill: #173d1b; } .gap { fill: #21262d; }
  }
`

/**
 * Draws the frame after its prologue.
 *
 * @param areas - of the frame's plan.
 * @param title - written above it, such as the function's name.
 * @returns a whole SVG document.
 * @throws FrameError as `unwindRows` does.
 */
export function drawFrameSvg(
  record: FrameRecord,
  areas: readonly FrameArea[] = [],
  title: string = '',
  architecture?: FrameArchitecture,
): string {
  const picture = pictureOf(record, areas, architecture)
  const heights = picture.slots.map(({ size }) => heightOf(size))
  const top = MARGIN + TITLE
  const height = top + heights.reduce((sum, each) => sum + each, 0) + MARGIN
  const width = BOX_LEFT + BOX_WIDTH + ARROW + POINTER_WIDTH + MARGIN
  const body: string[] = []
  text(body, 'title', BOX_LEFT, MARGIN + 10, title)
  text(body, 'offset', BOX_LEFT - 76, MARGIN + 10, 'from CFA')
  text(body, 'offset', BOX_LEFT - 10, MARGIN + 10, 'from SP')
  let y = top
  for (let i = 0; i < picture.slots.length; i++) {
    drawSlot(body, picture, picture.slots[i]!, y, heights[i]!)
    y += heights[i]!
  }
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title === '' ? 'stack frame' : `stack frame of ${title}`)}</title>`,
    `<style>${style}</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
      '<path d="M0 0 8 4 0 8z"/></marker></defs>',
    ...body,
    '</svg>',
  ].join('\n')}\n`
}

/** A word has one line; what is larger grows with its logarithm, so that a page of locals does not push the rest away. */
function heightOf(size: number): number {
  return size <= 8 ? LINE : Math.round(LINE * (1 + Math.log2(size / 8) / 3))
}

function drawSlot(body: string[], picture: FramePicture, slot: PictureSlot, y: number, height: number): void {
  const { offset, size, name } = slot
  const { cfaFromSp, frameRegister } = picture
  body.push(`<rect class="box ${classOf(name)}" x="${BOX_LEFT}" y="${y}" width="${BOX_WIDTH}" height="${height}"/>`)
  const label = name === 'unnamed' ? `${size} bytes` : size === 8 ? name : `${name}, ${size} bytes`
  text(body, 'name', BOX_LEFT + BOX_WIDTH / 2, y + height / 2 + 4, label)
  // An address is that of a box's lowest byte, which is its lower edge.
  const edge = y + height - 6
  text(body, 'offset', BOX_LEFT - 76, edge, offset < 0 ? `cfa-${-offset}` : `cfa+${offset}`)
  if (cfaFromSp !== UNKNOWN) text(body, 'offset', BOX_LEFT - 10, edge, `+${offset + cfaFromSp}`)
  const pointers: { at: number; name: string }[] = []
  if (frameRegister !== null) pointers.push({ at: -frameRegister.cfaFromRegister, name: frameRegister.name })
  if (cfaFromSp !== UNKNOWN) pointers.push({ at: -cfaFromSp, name: 'SP' })
  const here = pointers.filter(({ at }) => at >= offset && at < offset + size)
  for (const at of new Set(here.map((pointer) => pointer.at))) {
    const names = here.filter((pointer) => pointer.at === at).map((pointer) => pointer.name)
    const place = y + height - 2 - ((at - offset) / size) * (height - 4)
    const right = BOX_LEFT + BOX_WIDTH
    body.push(`<path class="pointer" d="M${right + ARROW} ${place}H${right + 3}"/>`)
    text(body, 'register', right + ARROW + 6, place + 4, names.join(', '))
  }
}

function classOf(name: string): string {
  if (name === 'unnamed') return 'gap'
  if (name === 'return address' || name === 'machine frame' || name === 'error code') return 'return'
  return name.startsWith('saved ') ? 'saved' : 'area'
}

function text(body: string[], kind: string, x: number, y: number, words: string): void {
  if (words !== '') body.push(`<text class="${kind}" x="${x}" y="${Math.round(y)}">${escaped(words)}</text>`)
}

/** Names come from outside. What XML has no way to write is shown as a replacement character. */
function escaped(words: string): string {
  return words
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
