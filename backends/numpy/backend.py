import numpy as np, math
from hotplug.backend import *
from hotplug.expr.node import schedule
U={'neg':np.negative,'abs':np.abs,'sign':np.sign,'invert':np.invert,'exp':np.exp,'log':np.log,'sqrt':np.sqrt,'sin':np.sin,'cos':np.cos,'tanh':np.tanh,'sigmoid':lambda x:1/(1+np.exp(-x)),'floor':np.floor,'ceil':np.ceil,'trunc':np.trunc,'round':np.rint,'rsqrt':lambda x:1/np.sqrt(x),'expm1':np.expm1,'log1p':np.log1p,'tan':np.tan,'sinh':np.sinh,'cosh':np.cosh,'log2':np.log2,'log10':np.log10,'exp2':np.exp2,'asin':np.arcsin,'acos':np.arccos,'atan':np.arctan,'asinh':np.arcsinh,'acosh':np.arccosh,'atanh':np.arctanh,'erf':np.vectorize(math.erf,otypes=[float]),'erfc':np.vectorize(math.erfc,otypes=[float])}
B={'add':np.add,'sub':np.subtract,'mul':np.multiply,'div':np.true_divide,'pow':np.power,'floordiv':np.floor_divide,'remainder':np.remainder,'fmod':np.fmod,'maximum':np.maximum,'minimum':np.minimum,'fmax':np.fmax,'fmin':np.fmin,'eq':np.equal,'ne':np.not_equal,'lt':np.less,'le':np.less_equal,'gt':np.greater,'ge':np.greater_equal,'and':np.bitwise_and,'or':np.bitwise_or,'xor':np.bitwise_xor,'shl':np.left_shift,'shr':np.right_shift,'atan2':np.arctan2,'hypot':np.hypot,'copysign':np.copysign,'mulhi':lambda a,b:((a.astype(np.uint64)*b.astype(np.uint64))>>np.uint64(32)).astype(np.uint32)}
def v(a):
    s=a.dtype.itemsize
    return np.ndarray(a.shape,a.dtype.numpy,a.storage.buffer,a.offset*s,a.layout.byte_strides)
def ev(prog,ins,sc,shape):
    d={}
    for n in schedule(prog):
        a=[d[x] for x in n.args]
        if n.op=='input': r=v(ins[n.value])
        elif n.op=='scalar': r=np.array(sc[n.value],n.dtype.numpy)
        elif n.op=='constant': r=np.array(n.value,n.dtype.numpy)
        elif n.op=='index': r=np.arange(math.prod(shape)).reshape(shape)
        elif n.op=='cast': r=a[0].astype(n.dtype.numpy)
        elif n.op=='where': r=np.where(*a)
        elif n.op in U: r=np.asarray(U[n.op](*a)).astype(n.dtype.numpy)
        else: r=np.asarray(B[n.op](*a)).astype(n.dtype.numpy)
        d[n]=np.asarray(r)
    return [d[p] for p in prog]
class Quick(Backend):
    def __init__(s,name): s.name=name
    def devices(s): return [DeviceInfo(0,"x",0)]
    def capabilities(s,i): return Capabilities(host_memory=True)
    def allocate(s,i,n): return np.empty(n,np.uint8)
    def free(s,b): pass
    def write(s,b,o,d): b[o:o+len(d)]=np.frombuffer(d,np.uint8)
    def read(s,b,o,n): return memoryview(b)[o:o+n]
    def copy(s,d,do,sr,so,n): d[do:do+n]=sr[so:so+n]
    def synchronize(s,i): pass
    def export(s,b): return b
    def wrap(s,i,f): return f
    def resolve(s,i,key):
        R={'sum':np.sum,'prod':np.prod,'max':np.max,'min':np.min,'any':np.any,'all':np.all}
        def f(outs,ins,sc):
          with np.errstate(all='ignore'):
            if key.name=='map':
                rs=ev(key.program,ins,sc,outs[0].shape)
                for o,r in zip(outs,rs): v(o)[...]=r
            elif key.name=='reduce':
                r=ev(key.program,ins,sc,ins[0].shape)[0]
                kw={'dtype':r.dtype} if key.mode in('sum','prod') else {}
                v(outs[0])[...]=R[key.mode](r,axis=tuple(range(r.ndim-key.axis,r.ndim)),**kw)
            elif key.name=='argreduce': v(outs[0])[...]=getattr(np,key.mode)(v(ins[0]),axis=-1)
            elif key.name=='scan': v(outs[0])[...]={'sum':np.add,'prod':np.multiply,'max':np.maximum,'min':np.minimum}[key.mode].accumulate(v(ins[0]),axis=-1)
            elif key.name=='matmul': v(outs[0])[...]=v(ins[0])@v(ins[1])
            elif key.name=='gather': v(outs[0])[...]=np.take_along_axis(v(ins[0]),v(ins[1]),key.axis)
            elif key.name=='scatter':
                idx=v(ins[0]); full=list(np.indices(idx.shape)); full[key.axis]=idx
                o=v(outs[0]); s_=v(ins[1])
                if key.mode=='set': o[tuple(full)]=s_
                else: {'add':np.add,'mul':np.multiply,'min':np.minimum,'max':np.maximum}[key.mode].at(o,tuple(full),s_)
        return f if key.name in FAMILIES else None

class NumpyBackend(Quick):
    def __init__(self): super().__init__("numpy")
