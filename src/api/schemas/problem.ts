import { type Static, Type } from 'typebox'

/** RFC 9457, with the stable code to branch on. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'urn:tapedeck:problem: followed by the code' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'for people; says what to do next' }),
    code: Type.String({ description: 'stable; see docs/reference/errors.md' }),
    problems: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), message: Type.String() }), {
        description: 'every field that is wrong, and what would be right; none when it is not about fields',
      }),
    ),
  },
  { description: 'a problem document (RFC 9457)' },
)
export type Problem = Static<typeof ProblemSchema>
