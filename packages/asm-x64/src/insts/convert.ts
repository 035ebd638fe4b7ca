// Conversions between integers and floats and between the widths of floats. Intel SDM vol. 2.
import type { EncodingRow } from '../encoding/row.ts'

export const convert: readonly EncodingRow[] = [
  // Between integers and floats; `size` is the integer operand
  ['Cvtsi2ss_x_rm', 'cvtsi2ss x, rm', 'F3 0F 2A /r', '32 64'],
  ['Vcvtsi2ss_x_x_rm', 'vcvtsi2ss x, vx, rm', 'VEX.LIG.F3.0F.W 2A /r', '32 64'],
  ['Cvtsi2sd_x_rm', 'cvtsi2sd x, rm', 'F2 0F 2A /r', '32 64'],
  ['Vcvtsi2sd_x_x_rm', 'vcvtsi2sd x, vx, rm', 'VEX.LIG.F2.0F.W 2A /r', '32 64'],
  ['Cvttss2si_r_xm', 'cvttss2si r, xm32', 'F3 0F 2C /r', '32 64'],
  ['Vcvttss2si_r_xm', 'vcvttss2si r, xm32', 'VEX.LIG.F3.0F.W 2C /r', '32 64'],
  ['Cvttsd2si_r_xm', 'cvttsd2si r, xm64', 'F2 0F 2C /r', '32 64'],
  ['Vcvttsd2si_r_xm', 'vcvttsd2si r, xm64', 'VEX.LIG.F2.0F.W 2C /r', '32 64'],
  ['Cvtss2si_r_xm', 'cvtss2si r, xm32', 'F3 0F 2D /r', '32 64'],
  ['Vcvtss2si_r_xm', 'vcvtss2si r, xm32', 'VEX.LIG.F3.0F.W 2D /r', '32 64'],
  ['Cvtsd2si_r_xm', 'cvtsd2si r, xm64', 'F2 0F 2D /r', '32 64'],
  ['Vcvtsd2si_r_xm', 'vcvtsd2si r, xm64', 'VEX.LIG.F2.0F.W 2D /r', '32 64'],
  // Between the widths
  ['Cvtss2sd_x_xm', 'cvtss2sd x, xm32', 'F3 0F 5A /r', ''],
  ['Cvtsd2ss_x_xm', 'cvtsd2ss x, xm64', 'F2 0F 5A /r', ''],
  ['Vcvtss2sd_x_x_xm', 'vcvtss2sd x, vx, xm32', 'VEX.LIG.F3.0F.WIG 5A /r', ''],
  ['Vcvtsd2ss_x_x_xm', 'vcvtsd2ss x, vx, xm64', 'VEX.LIG.F2.0F.WIG 5A /r', ''],
  // Packed
  ['Cvtdq2ps_x_xm', 'cvtdq2ps x, xm128', 'NP 0F 5B /r', ''],
  ['Vcvtdq2ps_x_xm', 'vcvtdq2ps x, xm128', 'VEX.128.0F.WIG 5B /r', ''],
  ['Cvtps2dq_x_xm', 'cvtps2dq x, xm128', '66 0F 5B /r', ''],
  ['Vcvtps2dq_x_xm', 'vcvtps2dq x, xm128', 'VEX.128.66.0F.WIG 5B /r', ''],
  ['Cvttps2dq_x_xm', 'cvttps2dq x, xm128', 'F3 0F 5B /r', ''],
  ['Vcvttps2dq_x_xm', 'vcvttps2dq x, xm128', 'VEX.128.F3.0F.WIG 5B /r', ''],
  ['Cvtdq2pd_x_xm', 'cvtdq2pd x, xm64', 'F3 0F E6 /r', ''],
  ['Vcvtdq2pd_x_xm', 'vcvtdq2pd x, xm64', 'VEX.128.F3.0F.WIG E6 /r', ''],
  ['Cvtpd2dq_x_xm', 'cvtpd2dq x, xm128', 'F2 0F E6 /r', ''],
  ['Vcvtpd2dq_x_xm', 'vcvtpd2dq x, xm128', 'VEX.128.F2.0F.WIG E6 /r', ''],
  ['Cvttpd2dq_x_xm', 'cvttpd2dq x, xm128', '66 0F E6 /r', ''],
  ['Vcvttpd2dq_x_xm', 'vcvttpd2dq x, xm128', 'VEX.128.66.0F.WIG E6 /r', ''],
  ['Cvtps2pd_x_xm', 'cvtps2pd x, xm64', 'NP 0F 5A /r', ''],
  ['Vcvtps2pd_x_xm', 'vcvtps2pd x, xm64', 'VEX.128.0F.WIG 5A /r', ''],
  ['Cvtpd2ps_x_xm', 'cvtpd2ps x, xm128', '66 0F 5A /r', ''],
  ['Vcvtpd2ps_x_xm', 'vcvtpd2ps x, xm128', 'VEX.128.66.0F.WIG 5A /r', ''],
]
