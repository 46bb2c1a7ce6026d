import { Type } from 'typebox'

/** Query of POST /uploads. */
export const UploadQuerySchema = Type.Object(
  {
    stream: Type.String({ minLength: 1, maxLength: 1024, description: 'path of the stream it is filed under' }),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_024,
        description: "file name, taken literally, below the stream's folder; its extension follows from the content",
      }),
    ),
    startedAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'ISO 8601; default: as long ago as it lasts' }),
    ),
  },
  { additionalProperties: false },
)
