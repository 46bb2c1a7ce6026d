const PATHS = {
  close: 'M6 6l12 12M18 6L6 18',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  play: 'M8 5l11 7-11 7z',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  warning: 'M12 4l9 16H3zM12 10v4M12 17v.5',
  sound: 'M4 9v6h4l5 4V5L8 9zM16.5 9a4 4 0 010 6',
  muted: 'M4 9v6h4l5 4V5L8 9zM17 9.5l4 5M21 9.5l-4 5',
  back: 'M15 5l-7 7 7 7',
  camera: 'M3 7h11v10H3zM14 11l6-3.5v9L14 13z',
  screen: 'M3 5h18v11H3zM8 20h8M12 16v4',
  microphone: 'M9 6a3 3 0 016 0v5a3 3 0 01-6 0zM5.5 11a6.5 6.5 0 0013 0M12 17.5V21',
  pause: 'M8 5v14M16 5v14',
  upload: 'M12 15V4M7 8l5-5 5 5M5 20h14',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 017 0v3',
} as const

/** A drawing beside or instead of words; whoever uses it alone names its button. */
export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
