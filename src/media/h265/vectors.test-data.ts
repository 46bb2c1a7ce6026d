/** hvcC bodies (x265's SEI array left out) with what ffprobe 5.1 says; made with `ffmpeg … -c:v libx265`. */
export const H265_RECORDS = [
  {
    name: 'x265 Main 10, 318x178, bt2020 PQ, 25 fps, 2 reordered pictures',
    hvcC:
      '0102200000009000000000003cf000fcfdfafa00000f03a00001001840010c01ffff02200000030090000003000003003c959409' +
      'a10001002f42010102200000030090000003000003003ca00a080c1d4436595952930bc05a848804820000030002000003003210' +
      'a2000100064401c073c189',
    size: [318, 178],
    bitDepth: 10,
    profileIdc: 2,
    levelIdc: 60,
    color: { primaries: 9, transfer: 16, matrix: 9, fullRange: false },
    frameRate: 25,
    maxReorderPictures: 2,
    codecString: 'hvc1.2.4.L60.90',
  },
  {
    name: 'x265 Main with default scaling lists, preset slow, 318x178',
    hvcC:
      '0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809' +
      'a10001002a42010101600000030090000003000003003ca00a080b9d4996566924e5780b4040000003004000000642a200010007' +
      '4401c172b46240',
    size: [318, 178],
    bitDepth: 8,
    profileIdc: 1,
    levelIdc: 60,
    color: undefined,
    frameRate: 25,
    maxReorderPictures: 2,
    codecString: 'hvc1.1.6.L60.90',
  },
] as const
