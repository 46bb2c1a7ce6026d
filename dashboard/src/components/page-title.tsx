import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** The title of a page of its own: takes the focus when the page is come to, so that reading goes on there. */
export function PageTitle({ children, text }: { text: string; children?: ComponentChildren }) {
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => title.current?.focus({ preventScroll: true }), [])
  useEffect(() => {
    const before = document.title
    document.title = `${text} · Tapedeck`
    return () => {
      document.title = before
    }
  }, [text])
  return (
    <div class="section-head">
      <h1 id="page-title" ref={title} tabIndex={-1}>
        {text}
      </h1>
      {children}
    </div>
  )
}
