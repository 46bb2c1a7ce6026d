import { Type } from 'typebox'
import { LAYOUTS } from '#compose/layout/layouts.ts'
import { MAX_FRAME_RATE, MAX_SIDE_PIXELS, MIN_SIDE_PIXELS } from '#compose/request.ts'
import { listOf, oneOf } from '../validation.ts'

const path = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description })
const side = (description: string) =>
  Type.Integer({ minimum: MIN_SIDE_PIXELS, maximum: MAX_SIDE_PIXELS, multipleOf: 2, description })
const bitrate = (description: string) => Type.Integer({ minimum: 8_000, maximum: 200_000_000, description })

const FIELDS = {
  output: path('where it is published, e.g. room/all; record or play it as any other stream'),
  inputs: Type.Array(path('path or pattern, e.g. room/*'), {
    minItems: 1,
    maxItems: 64,
    description: 'who publishes one of them is in it, now and later',
  }),
  screens: Type.Array(path('path or pattern'), {
    maxItems: 64,
    description: 'of the inputs, those that are never cropped and are presented first',
  }),
  widthPixels: side('even; default 1280'),
  heightPixels: side('even; default 720'),
  frameRate: Type.Integer({ minimum: 1, maximum: MAX_FRAME_RATE, description: 'pictures a second; default 25' }),
  video: Type.Boolean({ description: 'default true; false: the sound alone, at a tenth of the cost' }),
  audio: Type.Boolean({ description: 'default true' }),
  layout: oneOf(LAYOUTS, 'how tiles are arranged; default best-fit. The others present a screen, or who speaks'),
  videoBitrateBps: bitrate('default by size and rate'),
  audioBitrateBps: bitrate('default 128000'),
}

export const NewCompositionSchema = Type.Object(
  {
    output: FIELDS.output,
    inputs: FIELDS.inputs,
    screens: Type.Optional(FIELDS.screens),
    widthPixels: Type.Optional(FIELDS.widthPixels),
    heightPixels: Type.Optional(FIELDS.heightPixels),
    frameRate: Type.Optional(FIELDS.frameRate),
    video: Type.Optional(FIELDS.video),
    audio: Type.Optional(FIELDS.audio),
    layout: Type.Optional(FIELDS.layout),
    videoBitrateBps: Type.Optional(FIELDS.videoBitrateBps),
    audioBitrateBps: Type.Optional(FIELDS.audioBitrateBps),
  },
  { additionalProperties: false },
)

export const CompositionPatchSchema = Type.Object({ layout: FIELDS.layout }, { additionalProperties: false })

export const CompositionSchema = Type.Object({
  id: Type.String(),
  output: FIELDS.output,
  inputs: listOf(Type.String()),
  state: oneOf(['starting', 'running', 'restarting', 'ended'], 'restarting: its process has ended, another one begins'),
  since: Type.String({ description: 'ISO 8601, UTC' }),
  layout: FIELDS.layout,
  video: FIELDS.video,
  audio: FIELDS.audio,
  widthPixels: FIELDS.widthPixels,
  heightPixels: FIELDS.heightPixels,
  frameRate: FIELDS.frameRate,
  tiles: listOf(
    Type.Object({ path: Type.String(), name: Type.String(), kind: oneOf(['camera', 'screen'], 'how it is shown') }),
  ),
  encoder: Type.String({ description: 'of the pictures; empty without video' }),
  cpuCores: Type.Union([Type.Number(), Type.Null()], { description: 'that it takes; null while nobody knows' }),
  droppedPictures: Type.Integer({ description: 'left out since the machine had no time for them; sound never is' }),
  restarts: Type.Integer({ description: 'how often its process was replaced' }),
})

export const CompositionListSchema = Type.Object({ compositions: listOf(CompositionSchema) })
