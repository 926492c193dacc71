# Written by scripts/filter_lists.py.
from .filters.adacof import adacof as adacof
from .filters.analog_swin_unet import analog_swin_unet as analog_swin_unet
from .filters.basicvsrpp import basicvsrpp as basicvsrpp
from .filters.bsrnet import bsrnet as bsrnet
from .filters.ddcolor import ddcolor as ddcolor
from .filters.deoldify import deoldify as deoldify
from .filters.diffbir import diffbir as diffbir
from .filters.digital_damage import digital_damage as digital_damage
from .filters.edvr import edvr as edvr
from .filters.esrgan import esrgan as esrgan
from .filters.film import film as film
from .filters.film_damage import film_damage as film_damage
from .filters.film_mask import film_mask as film_mask
from .filters.image_model import image_model as image_model
from .filters.interpolate import interpolate as interpolate
from .filters.levels import levels as levels
from .filters.lines_in_place import lines_in_place as lines_in_place
from .filters.mat import mat as mat
from .filters.mmp_rnn import mmp_rnn as mmp_rnn
from .filters.onnx import onnx as onnx
from .filters.outpaint import outpaint as outpaint
from .filters.propainter import propainter as propainter
from .filters.psrt import psrt as psrt
from .filters.realbasicvsr import realbasicvsr as realbasicvsr
from .filters.rife import rife as rife
from .filters.rvrt import rvrt as rvrt
from .filters.scunet import scunet as scunet
from .filters.style import style as style
from .filters.swinir import swinir as swinir
from .filters.tape import tape as tape
from .filters.tape_damage import tape_damage as tape_damage
from .filters.tape_reference import tape_reference as tape_reference
from .filters.tcvc import tcvc as tcvc
from .filters.uformer import uformer as uformer
from .filters.unet import unet as unet
from .filters.upscale import upscale as upscale
from .video.deflicker import deflicker as deflicker
from .video.deinterlace import deinterlace as deinterlace
from .video.scenes import scenes as scenes
from .video.stabilise import stabilise as stabilise
from .video.static_overlay import static_overlay as static_overlay

FILTERS: dict[str, str]
__version__: str
