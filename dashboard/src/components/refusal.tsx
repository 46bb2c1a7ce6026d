import { Icon } from './icon.tsx'

/** Why the server does not answer a question of this page. */
export function Refusal({ text }: { text: string | undefined }) {
  if (text === undefined) return null
  return (
    <p class="trouble" role="alert">
      <Icon name="warning" /> {text}
    </p>
  )
}
