" SPDX-License-Identifier: BSD-2-Clause
au BufNewFile,BufRead */tandem/*.conf,*/tandem.conf setfiletype tandem
" In a checkout of any name: beside or above the file stands tandem.conf.
au BufNewFile,BufRead *.conf if !empty(findfile('tandem.conf', expand('<afile>:p:h') . ';')) | setfiletype tandem | endif
