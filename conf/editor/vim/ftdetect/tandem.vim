" SPDX-License-Identifier: BSD-2-Clause
au BufNewFile,BufRead */tandem/*.conf,*/tandem.conf setfiletype tandem
