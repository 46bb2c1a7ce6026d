import type { Stream } from '#hub/stream.ts'

/** How the pictures of a composed recording are arranged. */
export type RoomLayout = 'best-fit' | 'picture-in-picture' | 'vertical-presentation' | 'horizontal-presentation'

/** One picture and one sound of everything in a room. */
export interface RoomComposition {
  /** Path of the composed stream. */
  readonly output: string
  /** Dispose the result to take the stream out again; one that ends leaves by itself. */
  add(stream: Stream, facts: { readonly name: string; readonly kind: 'camera' | 'screen' }): Disposable
  end(): Promise<void>
}

/** What makes compositions, as far as rooms need it. */
export interface RoomComposer {
  /** @throws {TapedeckError} the machine can't hold another one */
  start(request: {
    readonly output: string
    readonly widthPixels: number
    readonly heightPixels: number
    readonly frameRate: number
    readonly video: boolean
    readonly audio: boolean
    readonly layout: RoomLayout
  }): Promise<RoomComposition>
}
