"""PSNR and SSIM of filters on the test sets of the papers, beside the published figures."""
