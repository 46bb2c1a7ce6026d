import { AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P, type AVPixelFormat, SWS_BILINEAR } from 'node-av/constants'
import { FFmpegError, Frame, SoftwareScaleContext } from 'node-av/lib'
import { fit } from '../layout/fit.ts'
import { even, type Rectangle } from '../layout/rectangle.ts'
import { drawName } from './name-tag.ts'

const BLACK = { luma: 16, chroma: 128 }
const GREY = { luma: 44, chroma: 128 }

type Planes = readonly [Buffer, Buffer, Buffer]

/** A picture under construction: 4:2:0, 8 bits, in memory of libavutil's. */
export class Canvas implements Disposable {
  readonly frame = new Frame()
  readonly #planes: Planes
  readonly #strides: readonly number[]

  constructor(widthPixels: number, heightPixels: number) {
    this.frame.alloc()
    this.frame.format = AV_PIX_FMT_YUV420P
    this.frame.width = widthPixels
    this.frame.height = heightPixels
    FFmpegError.throwIfError(this.frame.getBuffer(), 'making room for a picture')
    this.#planes = planesOf(this.frame)
    this.#strides = this.frame.linesize
    this.fill({ x: 0, y: 0, width: widthPixels, height: heightPixels }, BLACK)
  }

  fill(place: Rectangle, colour = BLACK): void {
    for (const [plane, buffer] of this.#planes.entries()) {
      const shift = plane === 0 ? 0 : 1
      const stride = this.#strides[plane] ?? 0
      for (let y = place.y >> shift; y < (place.y + place.height) >> shift; y++) {
        const start = y * stride + (place.x >> shift)
        buffer.fill(plane === 0 ? colour.luma : colour.chroma, start, start + (place.width >> shift))
      }
    }
  }

  /** A tile without a picture. */
  nameTag(place: Rectangle, name: string): void {
    this.fill(place, BLACK)
    const margin = place.width > 64 && place.height > 64 ? 2 : 0
    const { x, y, width, height } = place
    this.fill({ x: x + margin, y: y + margin, width: width - 2 * margin, height: height - 2 * margin }, GREY)
    drawName(this.#planes[0], this.#strides[0] ?? 0, place, name)
  }

  /** Where each plane of a place begins, for swscale. */
  at({ x, y }: Rectangle): { readonly planes: Buffer[]; readonly strides: number[] } {
    const strides = [...this.#strides]
    const planes = this.#planes.map((plane, index) => {
      const shift = index === 0 ? 0 : 1
      return plane.subarray((y >> shift) * (strides[index] ?? 0) + (x >> shift))
    })
    return { planes, strides: strides.slice(0, 3) }
  }

  [Symbol.dispose](): void {
    this.frame.free()
  }
}

/** Brings one source's pictures into one place of a canvas. Made anew for another place. */
export class TilePainter implements Disposable {
  readonly #canvas: Canvas
  readonly #tile: Rectangle
  readonly #kind: 'camera' | 'screen'
  readonly #target: { readonly planes: Buffer[]; readonly strides: number[] }[] = []
  #key = ''
  #scaler: SoftwareScaleContext | undefined
  #shown: Rectangle = { x: 0, y: 0, width: 0, height: 0 }
  /** Pictures of other formats on their way to 4:2:0. */
  #converter: SoftwareScaleContext | undefined
  #converted: Frame | undefined

  constructor(canvas: Canvas, tile: Rectangle, kind: 'camera' | 'screen') {
    this.#canvas = canvas
    this.#tile = tile
    this.#kind = kind
  }

  paint(picture: Frame, pixelAspect: number): void {
    const { width, height } = picture
    if (width < 2 || height < 2) return
    const key = `${width}x${height} ${picture.format} ${pixelAspect}`
    if (key !== this.#key) {
      this.#key = key
      this.#adapt(width, height, picture.format as AVPixelFormat, pixelAspect)
    }
    let source = picture
    if (this.#converter !== undefined && this.#converted !== undefined) {
      const to = this.#converted
      this.#converter.scaleSync(picture.data ?? [], picture.linesize, 0, height, [...planesOf(to)], to.linesize)
      source = to
    }
    const [target] = this.#target
    if (this.#scaler === undefined || target === undefined) return
    const strides = source.linesize.slice(0, 3)
    const { x, y } = this.#shown
    const planes = planesOf(source).map((plane, index) => {
      const shift = index === 0 ? 0 : 1
      return plane.subarray((y >> shift) * (strides[index] ?? 0) + (x >> shift))
    })
    this.#scaler.scaleSync(planes, strides, 0, this.#shown.height, target.planes, target.strides)
  }

  [Symbol.dispose](): void {
    this.#scaler?.freeContext()
    this.#converter?.freeContext()
    this.#converted?.free()
  }

  #adapt(width: number, height: number, format: AVPixelFormat, pixelAspect: number): void {
    this[Symbol.dispose]()
    this.#scaler = undefined
    this.#converter = undefined
    this.#converted = undefined
    const displayWidth = Math.max(2, Math.round(width * pixelAspect))
    const { shown, place } = fit(displayWidth, height, this.#kind, this.#tile)
    const scale = width / displayWidth
    const x = even(shown.x * scale)
    this.#shown = {
      x,
      y: shown.y,
      width: Math.max(2, Math.min(even(width) - x, even(shown.width * scale))),
      height: Math.max(2, shown.height),
    }
    this.#canvas.fill(this.#tile)
    this.#target[0] = this.#canvas.at(place)
    const is420 = format === AV_PIX_FMT_YUV420P || format === AV_PIX_FMT_YUVJ420P
    if (!is420) {
      // Cropping is by whole bytes of three planes.
      const frame = new Frame()
      frame.alloc()
      frame.format = AV_PIX_FMT_YUV420P
      frame.width = width
      frame.height = height
      FFmpegError.throwIfError(frame.getBuffer(), 'making room for a picture')
      this.#converted = frame
      this.#converter = scaler(width, height, format, width, height)
    }
    const from = is420 ? format : AV_PIX_FMT_YUV420P
    if (place.width < 2 || place.height < 2) return
    this.#scaler = scaler(this.#shown.width, this.#shown.height, from, place.width, place.height)
  }
}

function scaler(width: number, height: number, format: AVPixelFormat, toWidth: number, toHeight: number) {
  const context = new SoftwareScaleContext()
  context.getContext(width, height, format, toWidth, toHeight, AV_PIX_FMT_YUV420P, SWS_BILINEAR)
  return context
}

function planesOf(frame: Frame): Planes {
  const [luma, u, v] = frame.data ?? []
  if (luma === undefined || u === undefined || v === undefined) throw new Error('a picture has no three planes')
  return [luma, u, v]
}
